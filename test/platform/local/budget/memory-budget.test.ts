import assert from "node:assert/strict";
import { type EvictableInstance, MemoryBudget } from "../../../../platform/local/budget/memory-budget.ts";

class FakeInstance {
  usedMiB: number | undefined;
  readonly expectedMiB = 30;
  readonly startedAtMs = performance.now();
  readyAtMs: number | undefined;
  isStopped = false;
  readonly #ended = Promise.withResolvers<void>();
  readonly ended = this.#ended.promise;

  constructor(usedMiB?: number) {
    this.usedMiB = usedMiB;
    if (usedMiB !== undefined) this.readyAtMs = this.startedAtMs;
  }

  end(): void {
    this.#ended.resolve();
  }
}

describe("the memory that all instances have together", () => {
  let running: Set<FakeInstance>;
  let idle: Set<FakeInstance>;
  let budget: MemoryBudget;
  const { signal } = new AbortController();
  beforeEach(() => {
    running = new Set();
    idle = new Set();
    budget = new MemoryBudget({
      budgetMiB: 100,
      waitMs: 50,
      instances: () => running,
      idle: () => evictable(),
    });
  });

  function* evictable(): Iterable<EvictableInstance> {
    for (const instance of idle) {
      const stop = () => {
        instance.isStopped = true;
        idle.delete(instance);
      };
      yield {
        instance,
        usedMiB: instance.usedMiB ?? 30,
        idleForMs: -instance.startedAtMs,
        isKept: false,
        stop,
      };
    }
  }

  const start = async () => {
    const instance = new FakeInstance();
    running.add(instance);
    return instance;
  };
  const take = (neededMiB: number, waits = true) => budget.run({ neededMiB, waits, signal }, start);
  function busy(usedMiB: number): FakeInstance {
    const instance = new FakeInstance(usedMiB);
    running.add(instance);
    return instance;
  }
  async function ends(instance: FakeInstance): Promise<void> {
    running.delete(instance);
    instance.end();
    await instance.ended;
    budget.check();
  }
  const usedUp = {
    code: "no_capacity",
    message: /of 100 MiB \(limit SKIFF_MEMORY\)/,
    extensions: { retryAfterS: 5, setting: "SKIFF_MEMORY" },
  };

  it("starts no instance for a pool without memory to spare, and stops none for it", async () => {
    const other = new FakeInstance(40);
    running.add(other);
    idle.add(other);
    const spare = (neededMiB: number) =>
      budget.run({ neededMiB, waits: false, isSpare: true, signal }, start);
    await assert.rejects(spare(50), { code: "no_capacity" });
    assert.equal(other.isStopped, false);
    assert.ok(await spare(20));
  });

  it("is given to starts until it is used up by what they are expected to need", async () => {
    await take(30);
    await take(30);
    await take(30);
    assert.equal(budget.usedMiB, 90);
    await assert.rejects(take(30), usedUp);
    assert.equal(budget.usedMiB, 90);
  });

  it("counts what instances hold once they are ready, and what they are expected to need before", async () => {
    const instance = await take(30);
    instance.usedMiB = 5;
    assert.equal(budget.usedMiB, 30);
    instance.readyAtMs = performance.now();
    assert.equal(budget.usedMiB, 5);
    instance.usedMiB = 200;
    assert.equal(budget.usedMiB, 200);
  });

  it("is given in order, when an instance ends", async () => {
    const instance = busy(90);
    const order: string[] = [];
    const first = take(80).then(() => order.push("first"));
    const second = take(5).then(() => order.push("second"));
    await ends(instance);
    await Promise.all([first, second]);
    assert.deepEqual(order, ["first", "second"]);
  });

  it("is made free by stopping what is idle, as much as it takes, and waits for its end", async () => {
    busy(40);
    for (const instance of [new FakeInstance(20), new FakeInstance(20), new FakeInstance(15)]) {
      running.add(instance);
      idle.add(instance);
    }
    const instances = [...idle];
    const started = take(30);
    const stopped = () => instances.filter(({ isStopped }) => isStopped);
    assert.equal(stopped().length, 2);
    budget.check();
    assert.equal(stopped().length, 2, "nothing more for the same start");
    for (const instance of stopped()) await ends(instance);
    await started;
  });

  it("is made free for all who wait at once", async () => {
    for (let number = 0; number < 5; number++) {
      const instance = busy(20);
      idle.add(instance);
    }
    const instances = [...idle];
    const started = Promise.all([take(30), take(30)]);
    const stopped = instances.filter(({ isStopped }) => isStopped);
    assert.equal(stopped.length, 3);
    for (const instance of stopped) await ends(instance);
    await started;
  });

  it("is not waited for by those that need not be, but made free for their next try", async () => {
    const instance = busy(80);
    idle.add(instance);
    await assert.rejects(take(30, false), usedUp);
    assert.equal(instance.isStopped, true);
    await ends(instance);
    await take(30, false);
  });

  it("runs what is larger than all of it, when it is alone", async () => {
    await take(1_000);
  });

  it("is kept free a little while there is something idle to stop, not by stopping what min keeps", async () => {
    const instance = busy(80);
    budget.check();
    assert.equal(instance.isStopped, false);
    idle.add(instance);
    budget.check();
    assert.equal(instance.isStopped, true);
  });

  it("is not given to who left", async () => {
    const instance = busy(90);
    const leaving = new AbortController();
    const left = budget.run({ neededMiB: 50, waits: true, signal: leaving.signal }, start);
    const stays = take(20);
    leaving.abort(new Error("left"));
    await assert.rejects(left, { message: "left" });
    await ends(instance);
    await stays;
  });

  it("is given back when a start fails", async () => {
    const failing = budget.run({ neededMiB: 90, waits: true, signal }, () =>
      Promise.reject(new Error("failed")),
    );
    await assert.rejects(failing, { message: "failed" });
    assert.equal(budget.usedMiB, 0);
  });
});
