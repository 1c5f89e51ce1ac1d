import assert from "node:assert/strict";
import { FastLane, type FastLaneOptions } from "../../process/fast-lane.ts";
import { type Attempt, SlowLane } from "../../process/slow-lane.ts";
import { eventually } from "../support/eventually.ts";

const NEVER = new AbortController().signal;
const full = () => new Error("full");

/** Work whose memory and time are told by the test, and which ends when the test says so. */
class Work {
  begun = 0;
  evicted = 0;
  slowed = 0;
  bytes = 0;
  workedMs = 0;
  #done = Promise.withResolvers<string>();

  begin = (): Attempt<string> => {
    this.begun++;
    this.#done = Promise.withResolvers<string>();
    return {
      done: this.#done.promise,
      bytes: () => this.bytes,
      workedMs: () => this.workedMs,
      slowDown: () => this.slowed++,
      evict: () => {
        this.evicted++;
        this.workedMs = 0;
        this.#done.reject(new Error("evicted"));
      },
    };
  };

  end(): void {
    this.#done.resolve("done");
  }

  fail(error: Error): void {
    this.#done.reject(error);
  }
}

function lanes(options: Partial<FastLaneOptions> = {}, slow = { places: 2, bytes: 1_000 }) {
  const lane = new FastLane({
    places: 1,
    mostMs: 500,
    contendedMs: 50,
    mostBytes: 100,
    waiting: { most: 10, refusal: full },
    slow: new SlowLane(slow),
    ...options,
  });
  const start = (size = 0) => {
    const work = new Work();
    return { work, done: lane.run(work.begin, { signal: NEVER, size }) };
  };
  return { lane, start };
}

describe("manager: the lanes of work", () => {
  it("has one after the other do quick work, in order of arrival", async () => {
    const { start } = lanes();
    const [first, second] = [start(), start()];
    await eventually("the first", () => first.work.begun === 1);
    assert.equal(second.work.begun, 0);
    first.work.end();
    assert.equal(await first.done, "done");
    await eventually("the second", () => second.work.begun === 1);
    second.work.end();
    assert.equal(await second.done, "done");
    assert.equal(first.work.slowed + second.work.slowed, 0);
  });

  it("has small work go ahead of what is much larger", async () => {
    const { start } = lanes();
    const [first, large, small, tiny] = [start(), start(1_000), start(300), start(10)];
    const order = [first, tiny, large, small];
    for (const { work, done } of order) {
      await eventually("its turn", () => work.begun === 1);
      assert.equal(
        order.filter((each) => each.work.begun === 1).length,
        order.findIndex((each) => each.work === work) + 1,
      );
      work.end();
      await done;
    }
  });

  it("moves work that takes long out of the way, sooner when somebody waits", async () => {
    const { start } = lanes();
    const first = start();
    first.work.workedMs = 100;
    const second = start();
    await eventually("the second", () => second.work.begun === 1);
    assert.deepEqual([first.work.slowed, first.work.evicted], [1, 0]);
    second.work.workedMs = 400;
    second.work.end();
    await second.done;
    assert.equal(second.work.slowed, 0);
    first.work.end();
    assert.equal(await first.done, "done");
  });

  it("moves work that takes much memory out of the way", async () => {
    const { start } = lanes();
    const first = start();
    first.work.bytes = 150;
    const second = start();
    await eventually("the second", () => second.work.begun === 1);
    assert.equal(first.work.slowed, 1);
    for (const { work, done } of [first, second]) {
      work.end();
      await done;
    }
  });

  it("puts off what finds the slow lane full, and begins it anew when there is room", async () => {
    const { start } = lanes({}, { places: 1, bytes: 1_000 });
    const [first, second, third] = [start(), start(), start()];
    first.work.workedMs = 600;
    await eventually("the second", () => second.work.begun === 1);
    second.work.workedMs = 600;
    await eventually("the third", () => third.work.begun === 1);
    assert.deepEqual([second.work.evicted, second.work.begun], [1, 1]);
    third.work.end();
    assert.equal(await third.done, "done");
    first.work.end();
    await first.done;
    await eventually("the second again", () => second.work.begun === 2);
    assert.equal(second.work.slowed, 1);
    second.work.end();
    assert.equal(await second.done, "done");
  });

  it("puts off the newest of the slow when they take too much memory together", async () => {
    const { start } = lanes();
    const [first, second] = [start(), start()];
    first.work.workedMs = 600;
    await eventually("the second", () => second.work.begun === 1);
    second.work.workedMs = 600;
    await eventually("both slow", () => second.work.slowed === 1);
    first.work.bytes = 800;
    second.work.bytes = 300;
    await eventually("the second put off", () => second.work.evicted === 1);
    first.work.bytes = 600;
    await eventually("the second again", () => second.work.begun === 2);
    for (const { work, done } of [first, second]) {
      work.end();
      await done;
    }
    assert.equal(first.work.evicted, 0);
  });

  it("leaves where it is what cannot be done twice", async () => {
    const { lane, start } = lanes({ places: 2 }, { places: 1, bytes: 1_000 });
    const first = start();
    first.work.workedMs = 600;
    await eventually("the first slow", () => first.work.slowed === 1);
    const once = new Work();
    once.workedMs = 600;
    const done = lane.run(
      () => {
        const { evict: _, ...attempt } = once.begin();
        return attempt;
      },
      { signal: NEVER },
    );
    const third = start();
    await eventually("the third", () => third.work.begun === 1);
    first.work.end();
    await first.done;
    await eventually("the one slow", () => once.slowed === 1);
    once.end();
    third.work.end();
    assert.deepEqual(await Promise.all([done, third.done]), ["done", "done"]);
  });

  it("refuses more than may wait, and lets go of one who leaves", async () => {
    const { lane, start } = lanes({ waiting: { most: 1, refusal: full } });
    const first = start();
    const leaving = new AbortController();
    const left = lane.run(new Work().begin, leaving);
    await assert.rejects(lane.run(new Work().begin, { signal: NEVER }), /full/);
    leaving.abort(new Error("left"));
    await assert.rejects(left, /left/);
    const second = start();
    first.work.fail(new Error("broken"));
    await assert.rejects(first.done, /broken/);
    await eventually("the second", () => second.work.begun === 1);
    second.work.end();
    await second.done;
  });

  it("frees the place of work that cannot begin", async () => {
    const { lane, start } = lanes();
    const begin = () => {
      throw new Error("no process");
    };
    await assert.rejects(lane.run(begin, { signal: NEVER }), /no process/);
    const next = start();
    await eventually("the next", () => next.work.begun === 1);
    next.work.end();
    await next.done;
  });
});
