import assert from "node:assert/strict";
import type { Action } from "../../../platform/flows/definition/definition.ts";
import type { Signal } from "../../../platform/flows/run/signal.ts";
import { flow } from "../support/definitions.ts";
import { DrivenRun } from "../support/driven-run.ts";

const EVENT: Action = { kind: "event", topic: "payments", by: "event.data.order", equals: "input.id" };
const APPROVE: Action = { kind: "approve", message: "Order ${ input.id }" };
const CHILD: Action = { kind: "flow", flow: "shipping" };

describe("waits of a run", () => {
  it("last for a time, or until one", () => {
    for (const action of [
      { kind: "wait", forMs: 5_000 },
      { kind: "wait", until: "timestamp('1970-01-01T00:00:06Z')" },
      { kind: "wait", until: "'1970-01-01T00:00:06Z'" },
    ] as const) {
      const run = new DrivenRun(flow({ pause: { action }, next: { needs: ["pause"], with: {} } }));
      assert.deepEqual(run.row, {
        state: "waiting",
        status: "Step `pause` waits until 1970-01-01T00:00:06.000Z.",
        step: "pause",
        wakeAt: 6_000,
      });
      run.advance(4_999);
      run.crash();
      assert.deepEqual(run.under, []);
      run.advance(1);
      assert.deepEqual(run.under, ["next.1"]);
    }
  });

  it("are over at once if their time is past", () => {
    const run = new DrivenRun(flow({ pause: { action: { kind: "wait", until: "run.startedAt" } } }));
    assert.deepEqual(run.kinds(run.decisions[0]!), ["started pause", "waiting pause", "done pause", "ended"]);
  });

  it("fail for what is no time, and for one too far away", () => {
    for (const until of ["'soon'", "input.n", "timestamp('2036-01-01T00:00:00Z')"]) {
      const run = new DrivenRun(flow({ pause: { action: { kind: "wait", until } } }), { n: 1 });
      assert.equal(run.row.error?.type, "expression_failed", until);
    }
  });

  it("for an event end with its data", () => {
    const run = new DrivenRun(flow({ paid: { action: EVENT, output: "${ output.sum }" } }), { id: "o1" });
    const { waits } = run.decisions[0]!;
    assert.deepEqual(waits, [{ step: "paid", topic: "payments", by: "event.data.order", equals: "o1" }]);
    assert.match(run.row.status!, /^Step `paid` waits for an event of topic `payments`, until 1970-01-02/);
    const event: Signal = {
      kind: "event",
      step: "paid",
      topic: "payments",
      position: 1,
      event: { data: { sum: 5 } },
    };
    assert.deepEqual(run.signal({ ...event, topic: "other" }).entries, []);
    const decision = run.signal(event);
    assert.deepEqual(decision.waitsOver, [{ step: "paid" }]);
    assert.deepEqual(decision.entries.at(-1), {
      kind: "ended",
      state: "done",
      output: { json: 5 },
      at: 1_000,
    });
    assert.deepEqual(run.signal(event).entries, [], "a second event is none");
  });

  it("for the same events take each of them once, until a step runs again", () => {
    const run = new DrivenRun(
      flow({
        one: { action: EVENT },
        two: { action: EVENT },
        other: { action: { ...EVENT, equals: "input.other" } },
      }),
      { id: "o1", other: "o2" },
    );
    const event = (step: string, position: number) =>
      run.signal({ kind: "event", step, topic: "payments", position, event: { data: position } }).entries;
    assert.equal(event("one", 7).length, 1);
    assert.deepEqual(event("two", 7), [], "it is taken");
    run.crash();
    assert.deepEqual(event("two", 7), [], "it is taken, and whoever goes on with the run knows");
    assert.equal(event("other", 7).length, 1, "another value is another wait");
    assert.equal(event("two", 3).at(-1)?.kind, "ended");
    run.signal({ kind: "retry", by: "ann", from: "two" });
    assert.deepEqual(event("two", 7), []);
    assert.equal(event("two", 3).at(-1)?.kind, "ended", "its own event ends it again");
  });

  it("take an event also if their output fails with it", () => {
    const run = new DrivenRun(
      flow({
        one: { action: EVENT, output: "${ output.a.b }", catch: [{ on: [], output: "none" }] },
        two: { action: EVENT },
      }),
      { id: "o1" },
    );
    const event = (step: string, position: number) =>
      run.signal({ kind: "event", step, topic: "payments", position, event: { data: position } }).entries;
    assert.equal(event("one", 7)[0]?.kind, "failed");
    assert.deepEqual(event("two", 7), []);
  });

  it("for an event that does not come end with timeout, which can be caught", () => {
    const run = new DrivenRun(
      flow({
        paid: { action: EVENT, timeoutMs: 1_000, catch: [{ on: ["timeout"], then: "tell" }] },
        tell: { with: {} },
      }),
      { id: "o1" },
    );
    const { waitsOver } = run.advance(1_000);
    assert.deepEqual(waitsOver, [{ step: "paid" }]);
    assert.deepEqual(run.under, ["tell.1"]);
  });

  it("for a person end with the decision", () => {
    const steps = { review: { action: APPROVE }, next: { needs: ["review"] } };
    const approval: Signal = { kind: "approval", step: "review", approved: true, by: "ann", comment: "fine" };
    const run = new DrivenRun(flow(steps), { id: "o1" });
    assert.match(run.row.status!, /^Step `review` waits for approval, until 1970-01-08.*: Order o1$/);
    run.signal({ ...approval, step: "nothing" });
    run.signal({ ...approval, item: 0 });
    assert.equal(run.row.state, "waiting");
    run.signal(approval);
    assert.deepEqual(run.payload("next.1"), {
      approved: true,
      by: "ann",
      at: "1970-01-01T00:00:01.000Z",
      comment: "fine",
      data: null,
    });
    const refused = new DrivenRun(flow(steps), { id: "o1" });
    refused.signal({ ...approval, approved: false });
    assert.deepEqual(refused.row.error, { type: "rejected", message: "ann refused: fine" });
  });

  it("for the run of another flow end as that one does", () => {
    const steps = { ship: { action: CHILD, with: { id: "${ input.id }" } } };
    const run = new DrivenRun(flow(steps), { id: "o1" });
    const { children } = run.decisions[0]!;
    assert.deepEqual(children, [
      { step: "ship", attempt: 1, run: "child-1", flow: "shipping", input: { json: { id: "o1" } } },
    ]);
    const signal = { kind: "flow", step: "ship", attempt: 1, run: "child-1" } as const;
    run.signal({
      ...signal,
      run: "other",
      end: { kind: "ended", at: 1, state: "done", output: { json: 1 } },
    });
    assert.equal(run.row.state, "waiting");
    run.signal({ ...signal, end: { kind: "ended", at: 1, state: "done", output: { json: 1 } } });
    assert.equal(run.row.state, "done");
    const failed = new DrivenRun(flow(steps), { id: "o1" });
    const error = { type: "no_stock", status: 409, message: "No stock.", item: 3 };
    failed.signal({ ...signal, end: { kind: "ended", at: 1, state: "failed", step: "pick", error } });
    assert.deepEqual(failed.row.error, {
      type: "no_stock",
      status: 409,
      message: "Run child-1 of flow `shipping` failed at step `pick`: No stock.",
    });
    const late = new DrivenRun(flow(steps), { id: "o1" });
    const { cancels } = late.advance(86_400_000);
    assert.deepEqual(cancels, ["child-1"], "a run that nobody waits for any more is cancelled");
    assert.equal(late.row.error?.type, "timeout");
  });

  it("are none for events that a step publishes", () => {
    const action: Action = {
      kind: "publish",
      topic: "shipped",
      type: "t",
      attributes: { subject: "${ input.id }" },
    };
    const run = new DrivenRun(flow({ note: { action } }), { id: "o1" });
    const [decision] = run.decisions;
    assert.deepEqual(decision!.publishes, [
      {
        topic: "shipped",
        id: "run.note.1",
        type: "t",
        attributes: { subject: "o1" },
        payload: { json: { id: "o1" } },
      },
    ]);
    assert.equal(run.row.state, "done");
  });
});
