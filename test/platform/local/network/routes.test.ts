import assert from "node:assert/strict";
import { planFor } from "../../../../platform/local/network/plan.ts";
import { routes4, routes6 } from "../../../../platform/local/network/routes.ts";

const BOTH = { ipv4: true, ipv6: true };

function of(
  rules: readonly string[],
  { nameservers = [], families = BOTH }: { nameservers?: string[]; families?: typeof BOTH } = {},
) {
  const options = [planFor(rules), nameservers, families] as const;
  const lines = [...routes4(...options), ...routes6(...options)];
  const routes = lines.flatMap((line) => /^route replace (.*)$/.exec(line)?.[1] ?? []);
  return {
    closed: routes.flatMap((route) => /^unreachable (.*)$/.exec(route)?.[1] ?? []),
    open: routes.flatMap((route) => /^(\S+) via \S+ dev tap0 onlink$/.exec(route)?.[1] ?? []),
    lines,
  };
}

describe("the routes of a network", () => {
  it("close what is private and open the rest for public", () => {
    const { closed, open } = of(["public"]);
    assert.deepEqual(open, ["default", "default"]);
    for (const range of ["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "240.0.0.0/4"]) {
      assert.ok(closed.includes(range), range);
    }
    // Mapped, NAT64, unique-local, link-local, multicast lie in these.
    for (const range of ["::/3", "4000::/2", "8000::/1", "2002::/16", "2001::/23"]) {
      assert.ok(closed.includes(range), range);
    }
  });

  it("open a part of a closed range by a longer prefix, and a whole one by leaving it out", () => {
    const { closed, open } = of(["10.1.0.0/16", "192.168.0.0/16", "[fd00::7]"]);
    assert.deepEqual(open, ["10.1.0.0/16", "192.168.0.0/16", "fd00::7/128"]);
    assert.ok(closed.includes("10.0.0.0/8"));
    assert.ok(!closed.includes("192.168.0.0/16"));
    assert.ok(closed.includes("8000::/1"));
  });

  it("lead to no public address when rules name none", () => {
    assert.deepEqual(of(["10.0.0.7:5432"]).open, ["10.0.0.7/32"]);
  });

  it("lead to name servers wherever they are", () => {
    const { open } = of(["public"], { nameservers: ["192.168.0.1", "fd00::53"] });
    assert.deepEqual(open, ["default", "192.168.0.1/32", "default", "fd00::53/128"]);
  });

  it("have only what the machine has", () => {
    const four = of(["public"], { families: { ipv4: true, ipv6: false } });
    assert.deepEqual(four.open, ["default"]);
    assert.ok(!four.lines.some((line) => line.startsWith("addr") && line.includes("::")));
    const six = of(["public"], { families: { ipv4: false, ipv6: true } });
    assert.deepEqual(six.open, ["default"]);
    assert.ok(!six.lines.some((line) => line.includes("192.0.0.2")));
  });
});
