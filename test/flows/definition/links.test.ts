import assert from "node:assert/strict";
import { linksOf, orderOf } from "../../../platform/flows/definition/links.ts";
import { definitionOf } from "./parsing.ts";

const { steps } = definitionOf(`
steps:
  done: {fn: a, needs: [ship, refuse]}
  ship: {fn: a, needs: [check], if: input.ok, catch: {then: sorry}}
  refuse: {fn: a, else: ship}
  check: {fn: a}
  sorry: {fn: a}
`);

describe("links between steps", () => {
  it("are needs, else and catch, in the order of the text", () => {
    assert.deepEqual(
      linksOf(steps).map(({ from, to, kind }) => `${from} ${kind} ${to}`),
      ["ship needs done", "refuse needs done", "check needs ship", "ship catch sorry", "ship else refuse"],
    );
  });

  it("order the steps, and say what comes before each", () => {
    const { order, circle, before: earlier } = orderOf(steps);
    assert.equal(circle, undefined);
    assert.deepEqual(order, ["check", "ship", "sorry", "refuse", "done"]);
    assert.deepEqual(earlier("check"), []);
    assert.deepEqual(earlier("sorry"), ["check", "ship"]);
    assert.deepEqual(earlier("done"), ["check", "ship", "refuse"]);
    assert.deepEqual(earlier("unknown"), []);
  });

  it("of 1,000 steps that need all earlier ones are ordered in little time", () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `s${index}`);
    const dense = Object.fromEntries(
      names.map((name, index) => [name, { ...steps.check!, needs: names.slice(0, index) }]),
    );
    const begun = process.cpuUsage();
    const { order, before: earlier } = orderOf(dense);
    assert.deepEqual(order, names);
    assert.equal(earlier("s999").length, 999);
    assert.equal(earlier("s40").length, 40);
    assert.ok(process.cpuUsage(begun).user < 3_000_000);
  });
});
