import assert from "node:assert/strict";
import type { Scheduled } from "../../../events/schedules/scheduled.ts";
import { scheduledCalls } from "../../../events/schedules/scheduled.ts";
import { Scheduler } from "../../../events/schedules/scheduler.ts";
import { parseCron } from "../../../platform/events/cron.ts";
import { MemoryTimers } from "../../support/events/memory-timers.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];
const YEAR = { from: Date.UTC(2026, 0, 1), to: Date.UTC(2027, 0, 1) };
/** Whole hours and half ones, at 00:00, 02:00 and 24:00, in spring and in autumn, east and west of Greenwich. */
const ZONES = [
  ...["Europe/Berlin", "Europe/London", "America/New_York", "America/St_Johns", "America/Havana"],
  ...["America/Santiago", "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Auckland"],
  ...["Pacific/Chatham", "Africa/Cairo", "Asia/Beirut"],
];

/** Days around each change that have whole hours replayed. With 365 the test replays the whole year, which takes a minute. */
const HOURLY_DAYS = Number(process.env.SKIFF_TIME_LAPSE_DAYS ?? 5);

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Local times of a zone, without the code under test. */
class Zone {
  readonly name: string;
  /** When its clock changes in the year. */
  readonly changes: readonly number[];
  readonly #format: Intl.DateTimeFormat;
  readonly #offsets: readonly number[];

  constructor(name: string) {
    this.name = name;
    const fields = ["year", "month", "day", "hour", "minute", "second"].map((field) => [field, "numeric"]);
    const options = { timeZone: name, hourCycle: "h23", ...Object.fromEntries(fields) };
    this.#format = new Intl.DateTimeFormat("en", options as Intl.DateTimeFormatOptions);
    const changes: number[] = [];
    for (let at = YEAR.from; at < YEAR.to; at += DAY) {
      let [low, high] = [at, at + DAY];
      if (this.#read(low) === this.#read(high)) continue;
      while (high - low > SECOND) {
        const middle = low + Math.floor((high - low) / 2 / SECOND) * SECOND;
        if (this.#read(middle) === this.#read(low)) low = middle;
        else high = middle;
      }
      changes.push(high);
    }
    this.changes = changes;
    this.#offsets = [YEAR.from, ...changes].map((at) => this.#read(at));
  }

  /** Local time as if it were UTC. */
  localOf(at: number): number {
    return at + this.#offsets[this.changes.filter((change) => change <= at).length]!;
  }

  #read(at: number): number {
    const parts = this.#format.formatToParts(at);
    const value = (type: string) => Number(parts.find((part) => part.type === type)!.value);
    const date = Date.UTC(value("year"), value("month") - 1, value("day"));
    return date + value("hour") * HOUR + value("minute") * MINUTE + value("second") * SECOND - at;
  }
}

/** Two programs share a store. Clocks jump from one due time to the next, and programs start anew now and then. */
async function replay(schedules: readonly Scheduled[], { from, to }: Span): Promise<MemoryTimers> {
  const timers = new MemoryTimers();
  const random = seededRandom(from);
  let now = from;
  const start = () => {
    const scheduler = new Scheduler({
      ...{ store: { timers, bodies: undefined as never }, now: () => now, random },
      ...{ retryOf: () => undefined, isGone: async () => false, onFired: () => {}, print: assert.fail },
    });
    for (const each of schedules) scheduler.put(each);
    return scheduler;
  };
  let programs = [start(), start()];
  await programs[0]!.turn();
  while (timers.nextDueAt < to) {
    now = timers.nextDueAt + Math.floor(random() * 3 * SECOND);
    if (now >= to) now = timers.nextDueAt;
    if (random() < 0.001) programs = [start(), start()];
    const atOnce = random() < 0.2 ? programs : programs.slice(0, 1);
    await Promise.all(atOnce.map((program) => program.turn()));
  }
  return timers;
}

function scheduleOf(cron: string, zone: Zone): Scheduled {
  const [scheduled] = scheduledCalls({ name: cron, cron: [`TZ=${zone.name} ${cron}`] });
  return { ...scheduled!, name: `${cron} ${zone.name}` };
}

/** Times in a span, every `step`, whose local time `matches`. */
function timesIn({ from, to }: Span, step: number, matches: (at: number) => boolean): number[] {
  const times: number[] = [];
  for (let at = from; at < to; at += step) if (matches(at)) times.push(at);
  return times;
}

describe("a year of schedules over the changes of the clock", function () {
  this.timeout(60_000);
  const zones: Zone[] = [];
  before(() => {
    zones.push(...ZONES.map((name) => new Zone(name)));
  });

  it("is one in which the clock changes twice in each of twelve zones", () => {
    assert.equal(zones.length, 12);
    for (const { name, changes } of zones) assert.equal(changes.length, 2, name);
  });

  for (const [cron, hour, minute, weekday] of [
    ["30 2 * * *", 2, 30],
    ["0 0 * * *", 0, 0],
    ["15 0 * * MON", 0, 15, 1],
    ["30 2 * * SUN", 2, 30, 0],
  ] as const) {
    it(`has "${cron}" once on each of its days, after the gap where its time is missing`, async () => {
      const timers = await replay(
        zones.map((zone) => scheduleOf(cron, zone)),
        YEAR,
      );
      for (const zone of zones) {
        // The first instant of each local day whose local time has come, which skips what a gap leaves out.
        const days = new Map<number, number>();
        for (let at = YEAR.from; at < YEAR.to; at += 15 * MINUTE) {
          const local = zone.localOf(at);
          const day = Math.floor(local / DAY);
          const isTime = local % DAY >= hour * HOUR + minute * MINUTE;
          const isDay = weekday === undefined || new Date(day * DAY).getUTCDay() === weekday;
          if (isTime && isDay && !days.has(day)) days.set(day, at);
        }
        // The year begins in the middle of a local day.
        const first = Math.floor(zone.localOf(YEAR.from) / DAY);
        const isWhole = (day: number) => day > first;
        const expected = [...days].filter(([day]) => isWhole(day)).map(([, at]) => at);
        const fired = timers.timesOf(`${cron} ${zone.name}`);
        assert.deepEqual(
          fired.filter((at) => isWhole(Math.floor(zone.localOf(at) / DAY))),
          expected,
          zone.name,
        );
      }
    });
  }

  for (const [cron, step, aroundMs] of [
    ["* * * * * *", SECOND, 90 * SECOND],
    ["*/30 * * * * *", 30 * SECOND, 75 * MINUTE],
    ["*/7 * * * *", MINUTE, 6 * HOUR],
    ["0 * * * *", 15 * MINUTE, HOURLY_DAYS * DAY],
  ] as const) {
    it(`has every time of "${cron}" once around both changes`, async () => {
      for (const zone of zones) {
        for (const change of zone.changes) {
          const span = {
            from: Math.max(YEAR.from, change - aroundMs),
            to: Math.min(YEAR.to, change + aroundMs),
          };
          const timers = await replay([scheduleOf(cron, zone)], span);
          const expected = timesIn(span, step, (at) => {
            const minute = (zone.localOf(at) % HOUR) / MINUTE;
            return at > span.from && (step < MINUTE || minute % (step === MINUTE ? 7 : 60) === 0);
          });
          assert.deepEqual(timers.timesOf(`${cron} ${zone.name}`), expected, zone.name);
        }
      }
    });
  }

  it("has @every in one phase, whatever the clock and the programs do", async () => {
    const [scheduled] = scheduledCalls({ name: "f", cron: ["TZ=Europe/Berlin @every 6h"] });
    const from = YEAR.from + 17 * MINUTE;
    const timers = await replay([scheduled!], { from, to: YEAR.to });
    const expected = timesIn({ from: from + 6 * HOUR, to: YEAR.to }, 6 * HOUR, () => true);
    assert.deepEqual(timers.timesOf("fn/f/0"), expected);
  });
});

describe("the next time of a cron expression", () => {
  it("depends on the time alone, not on the one before", () => {
    const random = seededRandom(4);
    const crons = [
      "30 2 * * *",
      "*/15 2 * * *",
      "0 0 * * *",
      "10 */2 * * *",
      "*/20 * * * * *",
      "0 1-5 * * *",
    ];
    for (const zone of ["Europe/Berlin", "America/Havana", "Australia/Lord_Howe"].map(
      (name) => new Zone(name),
    )) {
      for (const cron of crons) {
        for (const change of zone.changes) {
          const scheduled = scheduleOf(cron, zone);
          const rule = parseCron(scheduled.text, 0);
          const times = [rule.next(change - 30 * HOUR)!];
          while (times.at(-1)! < change + 3 * HOUR) times.push(rule.next(times.at(-1)!)!);
          for (let round = 0; round < 10; round++) {
            const at = change - 30 * HOUR + Math.floor(random() * 33 * HOUR);
            assert.equal(
              rule.next(at),
              times.find((time) => time > at),
              `${cron} ${zone.name} ${at}`,
            );
          }
        }
      }
    }
  });
});
