import assert from "node:assert/strict";
import { Hosts } from "../../../router/placement/hosts.ts";

describe("the host names at a router", () => {
  it("are those of every function, until it has others or none", () => {
    const hosts = new Hosts();
    hosts.set("a", ["a.example", "b.example"]);
    hosts.set("c", ["c.example"]);
    hosts.set("d");
    assert.deepEqual(Object.fromEntries(hosts.byName), {
      "a.example": "a",
      "b.example": "a",
      "c.example": "c",
    });
    hosts.set("a", ["b.example"]);
    hosts.set("c", undefined);
    assert.deepEqual(Object.fromEntries(hosts.byName), { "b.example": "a" });
  });

  it("are the same map until one changes", () => {
    const hosts = new Hosts();
    hosts.set("a", ["a.example"]);
    const before = hosts.byName;
    hosts.set("a", ["a.example"]);
    hosts.set("b", []);
    assert.equal(hosts.byName, before);
    hosts.set("a", ["b.example"]);
    assert.notEqual(hosts.byName, before);
    assert.ok(before.has("a.example"));
  });

  it("that two functions have belong to the first by name, in whatever order they came", () => {
    for (const order of [
      ["a", "b"],
      ["b", "a"],
    ]) {
      const hosts = new Hosts();
      for (const name of order) hosts.set(name, ["h.example"]);
      assert.equal(hosts.byName.get("h.example"), "a");
      hosts.set("a", []);
      assert.equal(hosts.byName.get("h.example"), "b");
    }
  });
});
