import assert from "node:assert/strict";
import { Semaphore } from "../../process/semaphore.ts";

/** Work that ends when it is told to, and what has begun of it. */
class Works {
  readonly begun: number[] = [];
  readonly #ends: (() => void)[] = [];

  work(number: number): () => Promise<void> {
    return () => {
      this.begun.push(number);
      return new Promise((resolve) => {
        this.#ends[number] = resolve;
      });
    };
  }

  async end(number: number): Promise<void> {
    this.#ends[number]!();
    await new Promise(setImmediate);
  }
}

describe("a semaphore", () => {
  it("runs as many works as it has places, and the rest in order", async () => {
    const semaphore = new Semaphore({ places: 2 });
    const works = new Works();
    const all = Promise.all([0, 1, 2, 3].map((number) => semaphore.run(works.work(number))));
    await new Promise(setImmediate);
    assert.deepEqual(works.begun, [0, 1]);
    await works.end(1);
    assert.deepEqual(works.begun, [0, 1, 2]);
    await works.end(2);
    assert.deepEqual(works.begun, [0, 1, 2, 3]);
    await works.end(0);
    await works.end(3);
    await all;
  });

  it("gives what the work gives, and its place back when the work fails", async () => {
    const semaphore = new Semaphore({ places: 1 });
    const failing = semaphore.run(() => Promise.reject(new Error("no")));
    const next = semaphore.run(async () => "yes");
    await assert.rejects(failing, { message: "no" });
    assert.equal(await next, "yes");
  });

  it("lets one that waits leave, and the next one comes in its turn", async () => {
    const semaphore = new Semaphore({ places: 1 });
    const works = new Works();
    const leaving = new AbortController();
    const first = semaphore.run(works.work(0));
    const second = semaphore.run(works.work(1), leaving.signal);
    const third = semaphore.run(works.work(2));
    const left = assert.rejects(second, { message: "left" });
    leaving.abort(new Error("left"));
    await left;
    await works.end(0);
    assert.deepEqual(works.begun, [0, 2]);
    await works.end(2);
    await Promise.all([first, third]);
    assert.equal(await semaphore.run(async () => "free"), "free");
  });

  it("does not begin what was aborted before, and does not mind an abort after the beginning", async () => {
    const semaphore = new Semaphore({ places: 1 });
    await assert.rejects(
      semaphore.run(async () => "no", AbortSignal.abort(new Error("gone"))),
      {
        message: "gone",
      },
    );
    const works = new Works();
    const leaving = new AbortController();
    const blocking = semaphore.run(works.work(0));
    const running = semaphore.run(works.work(1), leaving.signal);
    await works.end(0);
    leaving.abort();
    await works.end(1);
    await Promise.all([blocking, running]);
  });

  it("refuses one more than may wait, until one of them has its turn", async () => {
    const waiting = { most: 1, refusal: () => new Error("too many") };
    const semaphore = new Semaphore({ places: 1, waiting });
    const works = new Works();
    const first = semaphore.run(works.work(0));
    const second = semaphore.run(works.work(1));
    await assert.rejects(semaphore.run(works.work(2)), { message: "too many" });
    await works.end(0);
    const third = semaphore.run(works.work(3));
    await works.end(1);
    assert.deepEqual(works.begun, [0, 1, 3]);
    await works.end(3);
    await Promise.all([first, second, third]);
  });
});
