import assert from "node:assert/strict";
import { WorkQueue } from "../../../../platform/kubernetes/control/work-queue.ts";
import { eventually } from "../../../support/eventually.ts";

describe("a queue of work by key", () => {
  let queue: WorkQueue | undefined;
  afterEach(() => queue?.close());

  it("works on a key once at a time, and once more for all that came meanwhile", async () => {
    const gate = Promise.withResolvers<void>();
    const log: string[] = [];
    let running = 0;
    queue = new WorkQueue({
      work: async (key) => {
        assert.equal(++running, 1);
        log.push(key);
        if (log.length === 1) await gate.promise;
        running--;
        return undefined;
      },
      onFailure: (_, error) => log.push(String(error)),
    });
    for (let count = 0; count < 5; count++) queue.add("a");
    gate.resolve();
    await eventually("it is empty", () => queue!.size === 0);
    assert.deepEqual(log, ["a", "a"]);
  });

  it("does not let one key wait for another", async () => {
    const gate = Promise.withResolvers<void>();
    const done: string[] = [];
    queue = new WorkQueue({
      work: async (key) => {
        if (key === "slow") await gate.promise;
        done.push(key);
        return undefined;
      },
      onFailure: () => {},
    });
    for (const key of ["slow", "b", "c"]) queue.add(key);
    await eventually("the others are done", () => done.length === 2);
    gate.resolve();
    await eventually("all are done", () => done.length === 3);
  });

  it("tries again after a failure, later each time, also while events come in", async () => {
    const times: number[] = [];
    const failures: string[] = [];
    queue = new WorkQueue({
      work: async () => {
        times.push(performance.now());
        if (times.length < 4) throw new Error("not yet");
        return undefined;
      },
      onFailure: (key) => failures.push(key),
      firstPauseMs: 20,
    });
    queue.add("a");
    await eventually("it succeeds", () => {
      queue!.add("a");
      return times.length >= 4;
    });
    assert.deepEqual(failures, ["a", "a", "a"]);
    const pauses = times.slice(1, 4).map((time, index) => time - times[index]!);
    for (const [index, least] of [20, 40, 80].entries()) assert.ok(pauses[index]! >= least - 2, `${pauses}`);
  });

  it("looks again after the time that the work asked for", async () => {
    let count = 0;
    queue = new WorkQueue({ work: async () => (++count < 3 ? 5 : undefined), onFailure: () => {} });
    queue.add("a");
    await eventually("it has looked three times", () => count === 3 && queue!.size === 0);
  });

  it("stops what is under way when it closes, and takes nothing more", async () => {
    let stopped = false;
    queue = new WorkQueue({
      work: (_, signal) =>
        new Promise((resolve) =>
          signal.addEventListener("abort", () => {
            stopped = true;
            resolve(undefined);
          }),
        ),
      onFailure: () => {},
    });
    queue.add("a");
    await queue.close();
    queue.add("b");
    assert.deepEqual([stopped, queue.size <= 1], [true, true]);
  });
});
