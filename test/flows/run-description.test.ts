import assert from "node:assert/strict";
import { attemptInput, stateUpTo } from "../../platform/flows/description/attempt-input.ts";
import { RunDescriber } from "../../platform/flows/description/run-describer.ts";
import type { Entry } from "../../platform/flows/run/entry.ts";
import { flow } from "./support/definitions.ts";
import { body, DrivenRun, options } from "./support/driven-run.ts";

function described(entries: readonly Entry[]): RunDescriber {
  const [begun, ...rest] = entries;
  assert.ok(begun?.kind === "begun");
  const describer = new RunDescriber(begun);
  for (const entry of rest) if (entry.kind !== "begun") describer.add(entry);
  return describer;
}

const states = (run: DrivenRun) =>
  Object.fromEntries(
    described(run.entries)
      .describe()
      .steps.map(({ name, state }) => [name, state]),
  );

describe("descriptions of runs", () => {
  it("have each step with its state, and each attempt with what became of it", () => {
    const run = new DrivenRun(flow({ a: {}, b: { needs: ["a"] }, c: { needs: ["b"] } }), { id: 1 });
    assert.deepEqual(states(run), { a: "running", b: "pending", c: "pending" });
    run.now = 2_000;
    run.end("a.1", { error: { type: "server_error", status: 503, message: "Away." }, callId: "call-1" });
    assert.deepEqual(states(run), { a: "retrying", b: "pending", c: "pending" });
    run.advance(60_000);
    run.end("a.2", { output: { json: "x".repeat(1_000) }, callId: "call-2" });
    run.fail("b.1", 404);
    const { steps, input, output } = described(run.entries).describe();
    assert.deepEqual([input, output], [{ json: { id: 1 } }, undefined]);
    const [a, b, c] = steps;
    assert.deepEqual([a!.state, b!.state, c!.state], ["done", "failed", "pending"]);
    assert.equal(b!.error!.status, 404);
    assert.deepEqual([a!.startedAt, a!.endedAt], [1_000, 62_000]);
    const [first, second] = a!.attempts;
    assert.deepEqual(
      [first!.attempt, first!.state, first!.endedAt, first!.callId, first!.error!.status],
      [1, "failed", 2_000, "call-1", 503],
    );
    assert.ok(first!.retryAt! > 2_000);
    assert.deepEqual([second!.attempt, second!.state, second!.callId], [2, "done", "call-2"]);
  });

  it("count the items of loops, and show those that failed", () => {
    const run = new DrivenRun(flow({ rows: { each: "input", concurrency: 3 } }), [1, 2, 3, 4]);
    run.done("rows[0].1");
    run.fail("rows[1].1", 503);
    const [rows] = described(run.entries).describe().steps;
    assert.deepEqual(rows!.items, {
      ...{ total: 4, pending: 0, running: 2, waiting: 0, retrying: 1 },
      ...{ done: 1, failed: 0, cancelled: 0 },
    });
    assert.deepEqual(
      rows!.attempts.map(({ item, state }) => [item, state]),
      [
        [1, "failed"],
        [2, "running"],
        [3, "running"],
      ],
    );
    const describer = described(run.entries);
    assert.deepEqual([describer.unitsOf("rows"), describer.unitsOf("none")], [4, undefined]);
    assert.equal(describer.attemptsOf("rows", 1)[0]!.error!.status, 503);
  });

  it("name what waits for a person, and what people did", () => {
    const run = new DrivenRun(flow({ ok: { action: { kind: "approve", message: "Ship?" } }, b: {} }));
    assert.deepEqual(described(run.entries).approvals(), [{ step: "ok" }]);
    assert.equal(states(run).ok, "waiting");
    run.signal({ kind: "pause", by: "ann" });
    run.signal({ kind: "resume", by: "bob" });
    run.signal({ kind: "cancel", by: "cy", reason: "No." });
    const { history, steps } = described(run.entries).describe();
    assert.deepEqual(
      history.map(({ kind, by }) => [kind, by]),
      [
        ["paused", "ann"],
        ["resumed", "bob"],
        ["cancelled", "cy"],
      ],
    );
    assert.deepEqual([steps[0]!.state, steps[0]!.attempts[0]!.state], ["cancelled", "cancelled"]);
    assert.deepEqual(described(run.entries).approvals(), []);
  });

  it("keep earlier attempts of steps that run again", () => {
    const run = new DrivenRun(flow({ a: {}, b: { needs: ["a"] } }));
    run.done("a.1");
    run.fail("b.1", 404);
    run.signal({ kind: "retry", by: "ann", from: "a" });
    const [a] = described(run.entries).describe().steps;
    assert.deepEqual(
      a!.attempts.map(({ attempt, state }) => [attempt, state]),
      [
        [1, "done"],
        [2, "running"],
      ],
    );
    assert.equal(a!.endedAt, undefined);
    assert.equal(described(run.entries).describe().history[0]!.kind, "retried");
  });

  it("evaluate once more what an attempt got", () => {
    const run = new DrivenRun(
      flow({ a: {}, b: { needs: ["a"], with: { id: "${ input.id }", last: "${ steps.a.output }" } } }),
      { id: 7 },
    );
    run.done("a.1", "x");
    const upTo = run.entries.findIndex((each) => each.kind === "started" && each.step === "b") + 1;
    run.fail("b.1", 404);
    const state = stateUpTo(run.entries.slice(0, upTo));
    const input = attemptInput(state, { step: "b", attempt: 1 }, options());
    assert.deepEqual(input, { input: { json: { id: 7, last: "x" } } });
  });

  it("say which bodies an input needs", () => {
    const run = new DrivenRun(
      flow({ a: {}, b: { needs: ["a"], with: { n: "${ steps.a.output.n }" } } }),
      {},
      {
        value: () => ({ json: { n: 1 } }),
      },
    );
    run.end("a.1", { output: body("b-1") });
    const state = stateUpTo(run.entries);
    const of = { step: "b", attempt: 1 };
    assert.deepEqual(attemptInput(state, of, options()), { missing: [body("b-1")] });
    const value = () => ({ json: { n: 1 } });
    assert.deepEqual(attemptInput(state, of, options({ value })), { input: { json: { n: 1 } } });
  });
});
