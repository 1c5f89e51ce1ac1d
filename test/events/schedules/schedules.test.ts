import assert from "node:assert/strict";
import { createSchedules } from "../../../events/schedules/schedules.ts";
import type { EventServices, EventsPart } from "../../../events/services.ts";
import { publish } from "../../../platform/deploying.ts";
import { SCHEDULE_KIND } from "../../../platform/events/kinds.ts";
import { MemoryTimers } from "../../support/events/memory-timers.ts";
import { eventually } from "../../support/eventually.ts";
import { draftOf } from "../../support/platform/draft.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";

const START = Date.UTC(2026, 10, 29, 12, 30);

describe("schedules", () => {
  let now: number;
  let platform: FakePlatform;
  let timers: MemoryTimers;
  let printed: string[];
  let part: EventsPart | undefined;

  const start = () => {
    part = createSchedules({
      ...{ platform, store: { timers }, now: () => now, random: Math.random },
      print: (line: string) => printed.push(line),
    } as unknown as EventServices);
  };
  const ruleOf = async (name: string) => (await timers.get(name))?.rule;
  const becomes = (name: string, rule: string | undefined) =>
    eventually(`the timer ${name} has ${rule}`, async () => (await ruleOf(name)) === rule);
  const declare = (name: string, spec: object) => platform.declarations.put(SCHEDULE_KIND, name, { spec });
  const call = { function: "f" };

  beforeEach(() => {
    now = START;
    platform = new FakePlatform();
    timers = new MemoryTimers();
    printed = [];
  });
  afterEach(async () => {
    await part?.close();
    await platform.close();
  });

  it("follow declarations: those there were, new ones, changed ones and removed ones", async () => {
    await declare("old", { cron: "@daily", call });
    start();
    await becomes("old", "@daily UTC");
    await declare("new", { cron: "@hourly", timeZone: "Asia/Tokyo", call });
    await becomes("new", "@hourly Asia/Tokyo");
    await declare("new", { cron: "@hourly", call, paused: true });
    await becomes("new", "@hourly UTC paused");
    await platform.declarations.remove(SCHEDULE_KIND, "new");
    await becomes("new", undefined);
    assert.equal(await ruleOf("old"), "@daily UTC");
  });

  it("follow the setting cron of functions that take calls", async () => {
    await publish(platform, draftOf("before", "1", { cron: ["@daily"] }));
    start();
    await becomes("fn/before/0", "@daily UTC");
    await publish(platform, draftOf("f", "1", { cron: ["0 3 * * *", "TZ=Asia/Tokyo @every 90s"] }));
    await becomes("fn/f/1", "@every 90s Asia/Tokyo");
    assert.equal(await ruleOf("fn/f/0"), "0 3 * * * UTC");
    await publish(platform, draftOf("f", "2", { cron: ["@hourly"] }));
    await becomes("fn/f/1", undefined);
    await becomes("fn/f/0", "@hourly UTC");
    await platform.remove("f");
    await becomes("fn/f/0", undefined);
  });

  it("say why a declaration that nobody has checked fires nothing", async () => {
    await declare("good", { cron: "@daily", call });
    start();
    await becomes("good", "@daily UTC");
    await declare("good", { cron: "0 25 * * *", call });
    await becomes("good", undefined);
    assert.equal(printed.length, 1);
    assert.match(
      printed[0]!,
      /^the schedule "good" fires nothing: cron: "0 25 \* \* \*" is not a valid cron/,
    );
  });

  it("remove timers whose schedules went while nothing ran, when they are due", async () => {
    const timer = { rule: "@daily UTC", anchor: now, dueAt: START - 1, delayMs: 0 };
    await publish(platform, draftOf("f", "1", { cron: ["@daily"] }));
    for (const name of ["gone", "fn/f/1", "fn/gone/0"]) await timers.set({ ...timer, name });
    start();
    await becomes("gone", undefined);
    await becomes("fn/f/1", undefined);
    assert.ok(await ruleOf("fn/gone/0"), "the platform may not know the function yet");
    now += 61_000;
    await declare("wakes", { cron: "@daily", call });
    await becomes("fn/gone/0", undefined);
    assert.deepEqual(timers.fired, []);
  });

  it("count how late they fire, and use the retries of the function", async () => {
    await publish(platform, draftOf("f", "1", { cron: ["@hourly"], retry: { attempts: 7 } }));
    start();
    await becomes("fn/f/0", "@hourly UTC");
    assert.deepEqual(part!.delays!(), { count: 0, sumMs: 0, lastMs: 0 });
    now += 30 * 60_000 + 20;
    await declare("wakes", { cron: "@daily", call });
    await eventually("it fires", () => timers.fired.length === 1);
    assert.equal(timers.fired[0]!.firings[0]!.call!.policy.attempts, 7);
    await eventually("it is counted", () => part!.delays!().count === 1);
    assert.deepEqual(part!.delays!(), { count: 1, sumMs: 20, lastMs: 20 });
  });
});
