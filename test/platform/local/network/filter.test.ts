import assert from "node:assert/strict";
import { filterRules, hostAddressRules } from "../../../../platform/local/network/filter.ts";
import { planFor } from "../../../../platform/local/network/plan.ts";

const HOST = { own: ["9.9.9.1", "2a00::1", "9.9.9.1"], nameservers: ["10.0.0.53"] };

/** What the filter does, in order. */
function chainFor(rules: readonly string[]): string[] {
  const text = filterRules(planFor(rules), HOST);
  return (
    /policy drop;\n([^}]*(?:\{[^}]*\}[^}]*)*)\n {2}\}/
      .exec(text)?.[1]
      ?.split("\n")
      .map((line) => line.trim()) ?? []
  );
}

describe("the filter of a network", () => {
  it("rejects what is closed before it accepts what is public", () => {
    const chain = chainFor(["public"]);
    const at = (text: string) => chain.findIndex((line) => line.includes(text));
    assert.equal(chain.at(-1), 'oifname "tap0" accept');
    for (const set of ["@closed4", "@closed6", "@own4", "@own6"]) {
      assert.ok(at(set) > 0 && at(set) < chain.length - 1, set);
      assert.match(chain[at(set)]!, /daddr \S+ reject/);
    }
  });

  it("accepts what rules open before it rejects what is closed, at its port alone", () => {
    const chain = chainFor(["public", "10.0.0.0/8", "[fd00::7]"]);
    assert.ok(chain.indexOf("ip daddr 10.0.0.0/8 accept") >= 0);
    assert.ok(chain.indexOf("ip6 daddr fd00::7/128 accept") < chain.findIndex((l) => l.includes("@closed4")));
    assert.ok(
      chainFor(["10.0.0.7:53"]).includes("ip daddr 10.0.0.7/32 meta l4proto { tcp, udp } th dport 53 accept"),
    );
  });

  it("leaves the whole loopback to an instance that is alone", () => {
    const text = filterRules({ ...planFor(["public"]), isAlone: true }, HOST);
    assert.match(text, /oif "lo" accept/);
    assert.doesNotMatch(text, /oif "lo" reject|oif "lo" meta l4proto tcp reject/);
    assert.doesNotMatch(filterRules(planFor(["public"]), HOST), /oif "lo" accept/);
  });

  it("rejects every other address when rules name addresses alone", () => {
    assert.equal(chainFor(["10.0.0.7:53"]).at(-1), "reject with icmpx admin-prohibited");
  });

  it("lets nobody meet on loopback but where a rule opens it", () => {
    const accepts = (rules: string[]) =>
      chainFor(rules).filter((line) => line.startsWith('oif "lo"') && line.includes("127.0.0.1"));
    assert.deepEqual(accepts(["public"]), []);
    assert.deepEqual(
      accepts(["127.0.0.1:5432"]).map((line) => line.includes("{ 5432 } accept")),
      [true, true],
    );
    assert.deepEqual(accepts(["127.0.0.1"]), ['oif "lo" ip daddr 127.0.0.1 ip saddr 127.0.0.1 accept']);
    assert.ok(chainFor(["127.0.0.1"]).includes('oif "lo" reject with icmpx admin-prohibited'));
  });

  it("has the machine's addresses in sets that are replaced in one step", () => {
    assert.deepEqual(hostAddressRules(HOST).split("\n"), [
      "flush set inet skiff own4",
      "add element inet skiff own4 { 9.9.9.1 }",
      "flush set inet skiff own6",
      "add element inet skiff own6 { 2a00::1 }",
      "flush set inet skiff dns4",
      "add element inet skiff dns4 { 10.0.0.53 }",
      "flush set inet skiff dns6",
      "",
    ]);
  });
});
