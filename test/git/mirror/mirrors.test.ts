import assert from "node:assert/strict";
import { Mirrors, type MirrorsOptions } from "../../../manager/git/mirror/mirrors.ts";
import { emptyState, type RepositoryState } from "../../../manager/git/repository.ts";
import { Problem } from "../../../platform/problems.ts";
import { eventually } from "../../support/eventually.ts";

const NO_PLACE = new Problem("too_many_git", "No place is free.", { retryAfterS: 1 });
const CONFLICT = new Problem("repository_conflict", "Another manager deploys.");
const END = new Problem("mirror_failed", "The branch is gone.");
const PLACES = 2;

/** Mirrors whose deliveries end as `attempt` says. */
function mirrorsOf(attempt: (name: string) => Promise<never>, { gitMs = 60_000 } = {}) {
  const lines: string[] = [];
  const closing = new AbortController();
  let state: RepositoryState = { ...emptyState(), mirror: { url: "https://example.com", direction: "pull" } };
  const repository = {
    get state() {
      return state;
    },
    save: async (change: { readonly state: RepositoryState }) => {
      state = change.state;
    },
  };
  const home = { find: async () => repository, open: async () => repository };
  const options = {
    repositories: {
      closing: closing.signal,
      onChange: () => {},
      tools: async () => ({ home }),
      read: attempt,
      serve: (_by: string, _signal: AbortSignal, work: () => Promise<void>) => work(),
      inTurn: (_name: string, _signal: AbortSignal, work: () => Promise<void>) => work(),
    },
    limits: { gitAtOnce: 2 * PLACES, gitMs },
    print: (line: string) => lines.push(line),
    now: () => 1,
  } as unknown as MirrorsOptions;
  const mirrors = new Mirrors(options);
  return {
    ...{ mirrors, lines },
    lastError: () => state.mirror?.last?.error,
    deliver: (name: string) =>
      mirrors.pullLater({
        ...{ name, principal: { by: "webhook github", scopes: ["deploy"] } },
        ...{ from: "192.0.2.1", callId: "call", reachedAt: [] },
      }),
    close: async () => {
      closing.abort(new Problem("draining", "Skiff is shutting down.", { retryAfterS: 1 }));
      await mirrors.close();
    },
  };
}

describe("a delivery of a webhook", () => {
  for (const transient of [NO_PLACE, CONFLICT]) {
    it(`is tried again after ${transient.code}`, async () => {
      let attempts = 0;
      const { deliver, lines, close } = mirrorsOf(async () => {
        throw attempts++ === 0 ? transient : END;
      });
      deliver("hello");
      await eventually("it ends", () => lines.length > 0);
      assert.deepEqual([attempts, lines], [2, ["mirror of hello: The branch is gone."]]);
      await close();
    });

    it(`records a ${transient.code} that lasts`, async () => {
      const { deliver, lastError, close } = mirrorsOf(
        async () => {
          throw transient;
        },
        { gitMs: 0 },
      );
      deliver("hello");
      await eventually("it is recorded", () => lastError() === transient.detail);
      await close();
    });
  }

  it("does not wait for the retries of other repositories, nor does an end of Skiff", async () => {
    let attempts = 0;
    const { deliver, lines, close } = mirrorsOf(async (name) => {
      if (name === "free") throw END;
      attempts++;
      throw CONFLICT;
    });
    for (let i = 0; i < PLACES; i++) deliver(`busy-${i}`);
    deliver("free");
    await eventually("the free one ends", () => lines.includes("mirror of free: The branch is gone."));
    for (const times of [1, 2]) {
      await eventually("both were tried", () => attempts === times * PLACES);
      deliver("busy-0");
    }
    // The next pause takes 2 s.
    await eventually("both were tried three times", () => attempts === 3 * PLACES);
    const start = performance.now();
    await close();
    assert.ok(performance.now() - start < 1_500, "closing waits for a pause");
    // What comes during retries is fetched once after them.
    assert.equal(lines.filter((line) => line.startsWith("mirror of busy-0")).length, 2);
  });
});
