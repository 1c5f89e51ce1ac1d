import assert from "node:assert/strict";
import { scheduledOf } from "../../../events/schedules/scheduled.ts";
import { Scheduler } from "../../../events/schedules/scheduler.ts";
import type { PostgresStore } from "../../../store/postgres/postgres-store.ts";
import { PostgresHarness } from "../../store/postgres/open-store.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const START = Date.UTC(2026, 10, 29, 12);
const SECONDS = 30;
const NAMES = ["allow", "queue", "skip"] as const;

describe("schedulers on one PostgreSQL", function () {
  this.timeout(60_000);
  const harness = new PostgresHarness();
  afterEach(() => harness.dispose());

  it("fire each time once, whoever is first, and skip what would overlap", async () => {
    const first = await harness.open();
    const stores: PostgresStore[] = [first, harness.openAt(harness.urlOf(first))];
    let now = START;
    const schedulers = stores.map((store, index) => {
      const scheduler = new Scheduler({
        ...{
          store: { timers: store.timers, bodies: undefined as never },
          retryOf: () => undefined,
          isGone: async () => false,
          onFired: () => {},
        },
        ...{ print: assert.fail, now: () => now, random: seededRandom(index) },
      });
      for (const overlap of NAMES) {
        const spec = { cron: "* * * * * *", overlap, call: { function: "f" } };
        const times = { createdAt: new Date(START), updatedAt: new Date(START) };
        const scheduled = scheduledOf({ kind: "Schedule", name: overlap, revision: "1", spec, ...times });
        assert.ok(typeof scheduled === "object");
        scheduler.put(scheduled);
      }
      return scheduler;
    });
    const turn = () => Promise.all(schedulers.map((scheduler) => scheduler.turn()));
    await turn();
    for (let second = 1; second <= SECONDS; second++) {
      now = START + second * 1_000;
      await turn();
    }
    const times = Array.from({ length: SECONDS }, (_, index) => START + (SECONDS - index) * 1_000);
    for (const name of NAMES) {
      const firings = await first.timers.firings(name, { limit: 1_000 });
      assert.deepEqual(
        firings.map(({ at }) => at),
        times,
        name,
      );
      const fired = firings.filter(({ outcome }) => outcome === "fired");
      // Nobody runs the calls, so the first one stays live.
      assert.equal(fired.length, name === "skip" ? 1 : SECONDS, name);
      const calls = await first.calls.list({ origin: { kind: "schedule", name }, limit: 1_000 });
      assert.deepEqual(calls.map(({ id }) => id).sort(), fired.map(({ call }) => call!).sort());
    }
  });
});
