import assert from "node:assert/strict";
import { firstTime, planFirings } from "../../../events/schedules/plan.ts";
import { parseCron } from "../../../platform/events/cron.ts";
import { threadMs } from "../../support/processor/thread-time.ts";

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
const START = Date.UTC(2026, 10, 29, 12);

function plan(
  cron: string,
  given: { dueAt?: number; now: number; missed?: "skip" | "once" | "all"; jitterMs?: number },
) {
  const { dueAt = START, missed = "once", jitterMs = 0, now } = given;
  return planFirings({ rule: parseCron({ cron }, START), dueAt, now, missed, jitterMs, name: "s" });
}

describe("the plan of a timer", () => {
  it("fires a time that is due, and waits for the next one", () => {
    const next = { dueAt: START + HOUR, delayMs: 0 };
    assert.deepEqual(plan("@hourly", { now: START + 5 }), { fire: [START], missed: undefined, next });
  });

  it("fires nothing before its time", () => {
    const next = { dueAt: START, delayMs: 0 };
    assert.deepEqual(plan("@hourly", { now: START - 1 }), { fire: [], missed: undefined, next });
  });

  it("fires every time that is late by less than a minute", () => {
    const now = START + 30 * SECOND;
    const { fire, next } = plan("*/10 * * * * *", { now });
    assert.deepEqual(
      fire,
      [0, 10, 20, 30].map((s) => START + s * SECOND),
    );
    assert.equal(next.dueAt, START + 40 * SECOND);
  });

  describe("after a time without a program", () => {
    const now = START + 3 * HOUR + 30 * MINUTE;
    const next = { dueAt: START + 4 * HOUR, delayMs: 0 };

    it("fires the last missed time once", () => {
      const expected = { fire: [START + 3 * HOUR], missed: START + 2 * HOUR, next };
      assert.deepEqual(plan("@hourly", { now, missed: "once" }), expected);
    });

    it("fires a time that is not missed instead of the missed ones", () => {
      const soon = START + 3 * HOUR + 20 * SECOND;
      const expected = { fire: [START + 3 * HOUR], missed: START + 2 * HOUR, next };
      for (const missed of ["once", "skip"] as const) {
        assert.deepEqual(plan("@hourly", { now: soon, missed }), expected);
      }
    });

    it("skips all, and says which one was the last", () => {
      assert.deepEqual(plan("@hourly", { now, missed: "skip" }), {
        fire: [],
        missed: START + 3 * HOUR,
        next,
      });
    });

    it("fires all, the oldest first", () => {
      const fire = [0, 1, 2, 3].map((hour) => START + hour * HOUR);
      assert.deepEqual(plan("@hourly", { now, missed: "all" }), { fire, missed: undefined, next });
    });

    it("fires at most the last 100, also of millions, in a moment", () => {
      const year = START + 365 * 24 * HOUR;
      const before = threadMs();
      const { fire } = plan("* * * * * *", { now: year, missed: "all" });
      assert.ok(threadMs() - before < 5_000);
      // Those of the last minute are not missed.
      assert.deepEqual(
        fire,
        Array.from({ length: 160 }, (_, index) => year - (159 - index) * SECOND),
      );
    });

    it("finds the last times of an expression that comes in bursts", () => {
      const { fire } = plan("* 3 * * *", { dueAt: START, now: START + 24 * HOUR, missed: "all" });
      assert.deepEqual(
        fire,
        Array.from({ length: 60 }, (_, index) => START + 15 * HOUR + index * MINUTE),
      );
    });
  });

  describe("with jitter", () => {
    const jitterMs = 10 * MINUTE;
    const rule = parseCron({ cron: "* * * * *" }, START);

    it("delays each time by a part of it that is always the same", () => {
      const delays = Array.from({ length: 200 }, (_, index) => {
        const { dueAt, delayMs } = firstTime(rule, START + index * MINUTE, { name: "s", jitterMs });
        assert.equal(dueAt, START + (index + 1) * MINUTE);
        assert.equal(firstTime(rule, START + index * MINUTE, { name: "s", jitterMs }).delayMs, delayMs);
        return delayMs;
      });
      assert.ok(delays.every((delayMs) => delayMs >= 0 && delayMs <= jitterMs));
      assert.ok(Math.max(...delays) > jitterMs * 0.9 && Math.min(...delays) < jitterMs * 0.1);
      const other = firstTime(rule, START, { name: "other", jitterMs });
      assert.notEqual(other.delayMs, delays[0]);
    });

    it("loses no time of an expression that comes more often than the jitter", () => {
      let timer = firstTime(rule, START, { name: "s", jitterMs });
      const fired: number[] = [];
      while (fired.length < 100) {
        const now = timer.dueAt! + timer.delayMs;
        const planned = planFirings({ rule, dueAt: timer.dueAt!, now, missed: "skip", jitterMs, name: "s" });
        assert.equal(planned.missed, undefined);
        fired.push(...planned.fire);
        timer = planned.next;
      }
      assert.deepEqual(
        fired,
        fired.map((_, index) => START + (index + 1) * MINUTE),
      );
    });
  });
});
