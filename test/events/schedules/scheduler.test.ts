import assert from "node:assert/strict";
import { type Scheduled, scheduledCalls, scheduledOf } from "../../../events/schedules/scheduled.ts";
import { Scheduler } from "../../../events/schedules/scheduler.ts";
import type { Declared } from "../../../platform/declarations.ts";
import { MemoryTimers } from "../../support/events/memory-timers.ts";
import { eventually } from "../../support/eventually.ts";

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
const START = Date.UTC(2026, 10, 29, 12, 30);

function declared(spec: object, name = "report"): Declared {
  const at = new Date(START - 7 * MINUTE);
  return { kind: "Schedule", name, revision: "1", spec: { ...spec }, createdAt: at, updatedAt: at };
}

function of(spec: object, name?: string): Scheduled {
  const scheduled = scheduledOf(declared({ call: { function: "f" }, ...spec }, name));
  assert.ok(typeof scheduled === "object", String(scheduled));
  return scheduled;
}

describe("the schedule of a declaration", () => {
  it("fires in the middle of its day by its own zone", () => {
    const { text, rule, anchor, jitterMs } = of({
      cron: "0 12 * * *",
      timeZone: "Asia/Tokyo",
      jitter: "30s",
    });
    assert.deepEqual(text, { cron: "0 12 * * *", timeZone: "Asia/Tokyo" });
    assert.equal(rule, "0 12 * * * Asia/Tokyo jitter 30000 ms");
    assert.deepEqual([anchor, jitterMs], [START - 7 * MINUTE, 30_000]);
  });

  it("is refused with the reason", () => {
    assert.match(String(scheduledOf(declared({ cron: "0 25 * * *", call: { function: "f" } }))), /hour: 25/);
    assert.match(String(scheduledOf(declared({ cron: "@daily" }))), /name one of call, event and run/);
    assert.match(String(scheduledOf(declared({}))), /cron/);
  });
});

describe("a scheduler", () => {
  let now = START;
  let timers: MemoryTimers;
  let gone: string[];
  let printed: string[];
  let late: number[];
  const create = () =>
    new Scheduler({
      store: { timers, bodies: undefined as never },
      retryOf: (name) => (name === "f" ? { attempts: 2 } : undefined),
      isGone: async (name) => gone.includes(name),
      onFired: (lateMs) => late.push(lateMs),
      print: (line) => printed.push(line),
      now: () => now,
      random: Math.random,
    });
  const known = (...schedules: Scheduled[]) => {
    const scheduler = create();
    for (const each of schedules) scheduler.put(each);
    return scheduler;
  };

  beforeEach(() => {
    now = START;
    timers = new MemoryTimers();
    [gone, printed, late] = [[], [], []];
  });

  it("fires at each time, and returns the next one", async () => {
    const scheduler = known(of({ cron: "30 12 * * *" }), of({ cron: "* * * * * *" }, "often"));
    assert.equal(await scheduler.turn(), START + SECOND);
    now = START + SECOND + 4;
    assert.equal(await scheduler.turn(), START + 2 * SECOND);
    assert.deepEqual(timers.timesOf("often"), [START + SECOND]);
    assert.deepEqual(timers.timesOf("report"), []);
    assert.deepEqual(late, [4]);
    const call = timers.fired[0]!.firings[0]!.call!;
    assert.deepEqual([call.queue, call.policy.attempts, call.origin.kind], ["fn/f", 2, "schedule"]);
  });

  it("asks the store that nothing fires while an earlier call is live, unless the schedule may overlap", async () => {
    const scheduler = known(
      ...(["skip", "queue", "allow"] as const).map((overlap) => of({ cron: "* * * * *", overlap }, overlap)),
    );
    await scheduler.turn();
    now += MINUTE;
    await scheduler.turn();
    const fired = timers.fired.map(({ name, firings }) => [
      name,
      firings[0]!.unlessLive,
      firings[0]!.call!.orderKey,
    ]);
    assert.deepEqual(fired.sort(), [
      ["allow", undefined, ""],
      ["queue", undefined, "schedule queue"],
      ["skip", true, ""],
    ]);
  });

  it("fires the others when a schedule has times that this program cannot compute, and says which", async () => {
    const broken = { ...of({ cron: "@hourly" }, "broken"), text: { cron: "@hourly", timeZone: "Mars/Base" } };
    const scheduler = known(of({ cron: "@hourly" }), broken);
    await scheduler.turn();
    now += HOUR;
    await scheduler.turn();
    assert.deepEqual(
      timers.fired.map(({ name }) => name),
      ["report"],
    );
    assert.match(printed.join(), /^the schedule "broken" fires nothing: /);
  });

  it("counts @every from the creation of the declaration, also after a restart", async () => {
    await known(of({ cron: "@every 1h" })).turn();
    assert.equal((await timers.get("report"))?.dueAt, START + 53 * MINUTE);
    now += 10 * MINUTE;
    await known(of({ cron: "@every 1h" })).turn();
    assert.equal((await timers.get("report"))?.dueAt, START + 53 * MINUTE);
  });

  it("fires nothing while a schedule is paused, and nothing of that time later", async () => {
    const scheduler = known(of({ cron: "@every 1h", missed: "all" }));
    await scheduler.turn();
    scheduler.put(of({ cron: "@every 1h", missed: "all", paused: true }));
    await scheduler.turn();
    now += 5 * HOUR;
    await scheduler.turn();
    scheduler.put(of({ cron: "@every 1h", missed: "all" }));
    await scheduler.turn();
    assert.deepEqual(timers.fired, []);
    assert.equal((await timers.get("report"))?.dueAt, START + 5 * HOUR + 53 * MINUTE);
  });

  it("sends what the schedule says when it fires", async () => {
    const scheduler = known(of({ cron: "@hourly" }));
    await scheduler.turn();
    scheduler.put(of({ cron: "@hourly", call: { function: "other", path: "/new" } }));
    now += HOUR;
    await scheduler.turn();
    const { target, request } = timers.fired[0]!.firings[0]!.call!;
    assert.deepEqual([target, request.path], [{ function: "other" }, "/new"]);
  });

  it("fires each time once when several schedulers do it", async () => {
    const programs = Array.from({ length: 4 }, () => known(of({ cron: "* * * * * *" })));
    for (let second = 0; second <= 20; second++) {
      now = START + second * SECOND;
      await Promise.all(programs.map((program) => program.turn()));
    }
    assert.deepEqual(
      timers.timesOf("report"),
      Array.from({ length: 20 }, (_, index) => START + (index + 1) * SECOND),
    );
  });

  it("records the time that nobody fires any more", async () => {
    const scheduler = known(of({ cron: "@hourly", missed: "skip" }));
    await scheduler.turn();
    now += 3 * HOUR;
    await scheduler.turn();
    const at = Date.UTC(2026, 10, 29, 15);
    assert.deepEqual(timers.fired[0]?.firings, [{ at, outcome: "missed" }]);
    assert.deepEqual(late, []);
  });

  it("removes the timer of a schedule that is removed, or that was removed while nothing ran", async () => {
    const scheduler = known(of({ cron: "@hourly" }), of({ cron: "@hourly" }, "other"));
    await scheduler.turn();
    scheduler.remove("other");
    await scheduler.turn();
    assert.equal(await timers.get("other"), undefined);
    const next = create();
    now += HOUR;
    await next.turn();
    assert.ok(await timers.get("report"), "it may only be unknown for now");
    gone.push("report");
    await next.turn();
    assert.equal(await timers.get("report"), undefined);
    assert.deepEqual(timers.fired, []);
  });

  it("leaves a timer alone that another program has set by a newer declaration, for a while", async () => {
    const old = known(of({ cron: "*/5 * * * *" }));
    await old.turn();
    await known(of({ cron: "*/10 * * * *" })).turn();
    now = START + 10 * MINUTE;
    await old.turn();
    assert.deepEqual(timers.fired, []);
    now += 11 * SECOND;
    await old.turn();
    await old.turn();
    assert.equal((await timers.get("report"))?.rule, "*/5 * * * * UTC");
  });

  it("fires on after a clock that was a day ahead, and no time twice", async () => {
    const schedules = [of({ cron: "@hourly" }), of({ cron: "@every 1h" }, "every")];
    const scheduler = known(...schedules);
    await scheduler.turn();
    now += 24 * HOUR;
    await scheduler.turn();
    const ahead = timers.timesOf("report");
    assert.deepEqual(ahead, [Date.UTC(2026, 10, 30, 12)]);
    now -= 24 * HOUR;
    await scheduler.turn();
    for (let hour = 1; hour <= 26; hour++) {
      now = START + hour * HOUR;
      // A start anew finds it as well.
      await (hour === 5 ? known(...schedules) : scheduler).turn();
    }
    const hours = Array.from({ length: 26 }, (_, index) => Date.UTC(2026, 10, 29, 13 + index));
    assert.deepEqual(timers.timesOf("report").sort(), hours);
    const every = Array.from({ length: 26 }, (_, index) => START - 7 * MINUTE + (index + 1) * HOUR);
    assert.deepEqual(timers.timesOf("every").sort(), every);
  });

  it("finds at its start that the clock of the one before was ahead", async () => {
    now += 24 * HOUR;
    await known(of({ cron: "@hourly" })).turn();
    now -= 24 * HOUR;
    await known(of({ cron: "@hourly" })).turn();
    assert.equal((await timers.get("report"))?.dueAt, Date.UTC(2026, 10, 29, 13));
  });

  it("goes on by itself, and says once that the store is away", async () => {
    let isAway = true;
    const away = async () => {
      if (isAway) throw new Error("The store is away.");
    };
    class Flaky extends MemoryTimers {
      override async set(...given: Parameters<MemoryTimers["set"]>) {
        await away();
        return super.set(...given);
      }
      override async due(...given: Parameters<MemoryTimers["due"]>) {
        await away();
        return super.due(...given);
      }
    }
    timers = new Flaky();
    const scheduler = create();
    scheduler.put({ ...scheduledCalls({ name: "f", cron: ["* * * * * *"] })[0]! });
    scheduler.start();
    try {
      await eventually("it says so", () => printed.length === 1);
      isAway = false;
      await eventually("the timer is set", async () => (await timers.get("fn/f/0")) !== undefined);
      now += SECOND;
      // Anything that changes wakes it: its clock stands still here.
      scheduler.put(of({ cron: "@yearly" }));
      await eventually("it fires", () => timers.timesOf("fn/f/0").length === 1);
      assert.deepEqual(printed, ["schedules are late: The store is away."]);
    } finally {
      await scheduler.close();
    }
  });
});
