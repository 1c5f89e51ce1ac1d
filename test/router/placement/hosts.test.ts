import assert from "node:assert/strict";
import { Hosts } from "../../../router/placement/hosts.ts";
import { threadMs } from "../../support/processor/thread-time.ts";

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

  it("have another revision when one changes, and only then", () => {
    const hosts = new Hosts();
    hosts.set("a", ["a.example"]);
    const before = hosts.revision;
    hosts.set("a", ["a.example"]);
    hosts.set("b", []);
    assert.equal(hosts.revision, before);
    hosts.set("a", ["b.example"]);
    assert.notEqual(hosts.revision, before);
    assert.deepEqual([...hosts.byName], [["b.example", "a"]]);
  });

  it("of a thousand functions are set in a moment", () => {
    const hosts = new Hosts();
    const startedAt = threadMs();
    for (let index = 0; index < 1_000; index++)
      hosts.set(
        `f${index}`,
        Array.from({ length: 100 }, (_, each) => `h${each}.f${index}.example`),
      );
    assert.equal(hosts.byName.size, 100_000);
    // Rebuilding the map for each function took 10 s.
    assert.ok(threadMs() - startedAt < 3_000);
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
