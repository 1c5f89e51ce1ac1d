import assert from "node:assert/strict";
import { GitPlaces, type GitPlacesOptions } from "../../manager/git/git-places.ts";

const { signal } = new AbortController();

describe("GitPlaces", () => {
  /** Requests that run until they are ended, by name. */
  class Requests {
    readonly running: string[] = [];
    readonly #ends = new Map<string, () => void>();
    readonly #places: GitPlaces;

    constructor(options: GitPlacesOptions) {
      this.#places = new GitPlaces(options);
    }

    begin(name: string, from = signal): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#ends.set(name, resolve);
      return this.#places.run(name[0]!, from, async () => {
        this.running.push(name);
        await promise;
        this.running.splice(this.running.indexOf(name), 1);
      });
    }

    async end(name: string): Promise<void> {
      this.#ends.get(name)!();
      await new Promise(setImmediate);
    }
  }

  it("leaves half of the places to others", async () => {
    const requests = new Requests({ places: 4, inAll: 8 });
    const all = ["a1", "a2", "a3", "a4"].map((name) => requests.begin(name));
    await assert.rejects(requests.begin("a5"), {
      code: "too_many_git",
      detail: /^4 requests of git of a run or wait, and 4 of all, at most 8 /,
    });
    all.push(requests.begin("b1"));
    assert.deepEqual(requests.running, ["a1", "a2", "b1"]);
    for (const name of ["a1", "a2", "a3", "a4", "b1"]) await requests.end(name);
    await Promise.all(all);
  });

  it("leaves a place to a third when two take what they get", async () => {
    const requests = new Requests({ places: 10, inAll: 40 });
    const names = ["a", "b"].flatMap((by) => Array.from({ length: 10 }, (_, index) => `${by}${index}`));
    const all = [...names, "c0"].map((name) => requests.begin(name));
    const count = (by: string) => requests.running.filter((name) => name.startsWith(by)).length;
    assert.deepEqual([count("a"), count("b"), count("c")], [5, 3, 1]);
    for (const name of [...names, "c0"]) await requests.end(name);
    await Promise.all(all);
  });

  it("gives the next place to the principal that has the fewest", async () => {
    const requests = new Requests({ places: 2, inAll: 40 });
    const all = ["a1", "a2", "a3", "b1", "b2"].map((name) => requests.begin(name));
    assert.deepEqual(requests.running, ["a1", "b1"]);
    all.push(requests.begin("c1"));
    await requests.end("a1");
    assert.deepEqual(requests.running, ["b1", "a2"]);
    await requests.end("a2");
    assert.deepEqual(requests.running, ["b1", "c1"]);
    for (const name of ["b1", "c1", "a3", "b2"]) await requests.end(name);
    await Promise.all(all);
    assert.deepEqual(requests.running, []);
  });

  it("forgets a request that leaves while it waits", async () => {
    const requests = new Requests({ places: 2, inAll: 4 });
    const leaving = new AbortController();
    const first = requests.begin("a1");
    const second = requests.begin("a2", leaving.signal);
    leaving.abort(new Error("left"));
    await assert.rejects(second, /left/);
    const third = requests.begin("a3");
    await requests.end("a1");
    assert.deepEqual(requests.running, ["a3"]);
    await requests.end("a3");
    await Promise.all([first, third]);
  });

  it("refuses a request that has waited too long", async () => {
    const requests = new Requests({ places: 1, inAll: 4, waitMs: 10 });
    const first = requests.begin("a1");
    await assert.rejects(requests.begin("b1"), {
      code: "too_many_git",
      detail: /^Other requests of git had all places for 0.01 s /,
    });
    await requests.end("a1");
    await first;
    const later = requests.begin("b2");
    assert.deepEqual(requests.running, ["b2"]);
    await requests.end("b2");
    await later;
  });
});
