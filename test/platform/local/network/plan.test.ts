import assert from "node:assert/strict";
import { keyOf, planFor } from "../../../../platform/local/network/plan.ts";

describe("the plan of a network", () => {
  it("opens every public address for public and for names, and nothing else", () => {
    const plan = { isPublic: true, opened: [], loopback: [] };
    assert.deepEqual(planFor(["public"]), plan);
    assert.deepEqual(planFor(["api.example.com:443", "*.example.org"]), plan);
    assert.equal(keyOf(planFor(["public"])), keyOf(planFor(["api.example.com"])));
  });

  it("opens listed addresses at their ports", () => {
    assert.deepEqual(planFor(["10.0.0.7:5432", "192.168.0.0/16", "[fd00::7]:53"]), {
      isPublic: false,
      opened: [
        { range: "10.0.0.7/32", port: 5432 },
        { range: "192.168.0.0/16" },
        { range: "fd00::7/128", port: 53 },
      ],
      loopback: [],
    });
  });

  it("is the same for the same rules in another order, and another for others", () => {
    assert.equal(keyOf(planFor(["10.0.0.7", "10.0.0.8"])), keyOf(planFor(["10.0.0.8", "10.0.0.7"])));
    const different = [["public"], ["10.0.0.7"], ["10.0.0.7:1"], ["127.0.0.1:1"], ["127.0.0.1"], ["[::1]:2"]];
    assert.equal(new Set(different.map((rules) => keyOf(planFor(rules)))).size, different.length);
  });

  it("opens loopback by port, or as a whole", () => {
    assert.deepEqual(planFor(["127.0.0.1:5432", "[::1]:53", "127.0.0.1:5432"]).loopback, [53, 5432]);
    for (const rule of ["127.0.0.1", "127.0.0.0/8", "[::1]", "0.0.0.0/0"]) {
      assert.equal(planFor([rule]).loopback, "all", rule);
    }
    assert.deepEqual(planFor(["127.0.0.0/8"]).opened, []);
    assert.deepEqual(planFor(["0.0.0.0/0"]).opened, [{ range: "0.0.0.0/0" }]);
  });

  it("opens nothing for an address that means no interface inside, or a port beside public", () => {
    assert.deepEqual(planFor(["[fe80::1%eth0]"]).opened, []);
    assert.deepEqual(planFor(["public", "10.0.0.7:1", "10.0.0.8"]).opened, [{ range: "10.0.0.8/32" }]);
  });

  it("takes no text that is no rule", () => {
    assert.throws(() => planFor(["10.0.0.1/33"]), /"10.0.0.1\/33" does not parse as a network rule/);
  });
});
