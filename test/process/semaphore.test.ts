import assert from "node:assert/strict";
import { Semaphore } from "../../process/semaphore.ts";

/** Records which works have begun, and ends each on request. */
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
});
