import assert from "node:assert/strict";
import { cronFault, nextTimes, parseCron, splitZone } from "../../../platform/events/cron.ts";

const HOUR = 3_600_000;

/** The first times of an expression after a time, in UTC. */
function times(text: string, after: string, count = 4): string[] {
  const rule = parseCron(splitZone(text), 0);
  return nextTimes(rule, Date.parse(after), count).map((at) =>
    new Date(at).toISOString().replace(".000Z", ""),
  );
}

describe("cron expressions", () => {
  it("have five fields, six with seconds, or a nickname", () => {
    const valid = [
      "* * * * *",
      "*/10 * * * * *",
      "0 9-17 * * MON-FRI",
      "0 0 L * *",
      "0 0 * * 5#2",
      "@hourly",
    ];
    for (const cron of [...valid, "@weekly", "0 0 29 2 *", "@every 90s", "@every 1h30m"]) {
      assert.equal(cronFault({ cron }), undefined, cron);
    }
    assert.deepEqual(times("*/20 * * * * *", "2026-01-01T00:00:00Z", 3), [
      "2026-01-01T00:00:20",
      "2026-01-01T00:00:40",
      "2026-01-01T00:01:00",
    ]);
    assert.deepEqual(times("0 3 * * *", "2026-01-01T03:00:00Z", 1), ["2026-01-02T03:00:00"]);
  });

  it("match either day if both days are limited, as in Vixie cron", () => {
    assert.deepEqual(times("0 0 13 * 5", "2026-11-01T00:00:00Z"), [
      "2026-11-06T00:00:00",
      "2026-11-13T00:00:00",
      "2026-11-20T00:00:00",
      "2026-11-27T00:00:00",
    ]);
    assert.deepEqual(times("0 0 13 * *", "2026-11-01T00:00:00Z", 1), ["2026-11-13T00:00:00"]);
  });

  for (const [cron, reason] of [
    ["* * *", /^"\* \* \*" has 3 fields; use five fields such as "0 3 \* \* \*"/],
    ["0 0 0 1 1 * 2030", /has 7 fields/],
    ["2030-01-01T00:00:00", /has 1 field;/],
    ["", /has 1 field;/],
    ["61 * * * *", /is not a valid cron expression \(Invalid value for minute: 61\); use five fields/],
    ["0 24 * * *", /Invalid value for hour: 24/],
    ["0 0 30 2 *", /never fires/],
    ["@hourli", / \(did you mean @hourly\?\)$/],
    ["@reboot", /is not a valid cron expression; use five fields/],
    ["@every 6", /write it like "@every 90s"/],
    ["@every 500ms", /use an interval from 1s to 366d/],
    ["@every 367d", /out of range/],
    ["@everyday", /write it like/],
    ["* * * * * ".repeat(50), /is over 200 characters/],
  ] as const) {
    it(`say what is wrong with ${JSON.stringify(cron.slice(0, 30))}`, () => {
      assert.match(cronFault({ cron }) ?? "", reason);
    });
  }

  it("have a time zone, whose name is checked", () => {
    assert.deepEqual(splitZone("TZ=Europe/Berlin 0 3 * * *"), {
      cron: "0 3 * * *",
      timeZone: "Europe/Berlin",
    });
    assert.deepEqual(splitZone(" CRON_TZ=UTC  @daily "), { cron: "@daily", timeZone: "UTC" });
    assert.deepEqual(splitZone("0 3 * * *"), { cron: "0 3 * * *" });
    assert.equal(cronFault({ cron: "0 3 * * *", timeZone: "America/Argentina/Buenos_Aires" }), undefined);
    const fault = cronFault({ cron: "0 3 * * *", timeZone: "Europe/Berln" });
    assert.equal(fault, '"Europe/Berln" is not a time zone (did you mean Europe/Berlin?)');
    assert.match(cronFault({ cron: "0 3 * * *", timeZone: "Here" }) ?? "", /use an IANA name/);
    assert.deepEqual(times("TZ=Asia/Kolkata 0 3 * * *", "2026-01-01T00:00:00Z", 1), ["2026-01-01T21:30:00"]);
  });
});

describe("cron expressions in Berlin", () => {
  // 02:00 to 03:00 does not exist on March 29, 2026, and occurs twice on October 25.
  const berlin = (cron: string, after: string, count: number) =>
    times(`TZ=Europe/Berlin ${cron}`, after, count);

  it("fire right after a gap if they have a time of day in it", () => {
    for (const cron of ["30 2 * * *", "30 2,14 * * *"]) {
      const [first, second] = berlin(cron, "2026-03-28T20:00:00Z", 2);
      assert.equal(first, "2026-03-29T01:00:00", cron);
      assert.equal(second, cron.includes("14") ? "2026-03-29T12:30:00" : "2026-03-30T00:30:00");
    }
  });

  it("skip a gap if they follow the clock", () => {
    assert.deepEqual(berlin("*/30 2 * * *", "2026-03-28T20:00:00Z", 1), ["2026-03-30T00:00:00"]);
    assert.deepEqual(berlin("30 * * * *", "2026-03-29T00:00:00Z", 2), [
      "2026-03-29T00:30:00",
      "2026-03-29T01:30:00",
    ]);
  });

  it("fire once in a doubled hour if they have a time of day", () => {
    for (const cron of ["30 2 * * *", "30 2-3 * * *"]) {
      const [first, second] = berlin(cron, "2026-10-25T00:00:00Z", 2);
      assert.equal(first, "2026-10-25T00:30:00", cron);
      assert.equal(second, cron.includes("-") ? "2026-10-25T02:30:00" : "2026-10-26T01:30:00");
    }
  });

  it("fire each time in a doubled hour if they follow the clock", () => {
    const halves = ["2026-10-25T00:30:00", "2026-10-25T01:30:00", "2026-10-25T02:30:00"];
    assert.deepEqual(berlin("30 * * * *", "2026-10-25T00:00:00Z", 3), halves);
  });
});

describe("@every", () => {
  it("counts from its anchor, whenever it is asked", () => {
    const anchor = Date.UTC(2026, 0, 1, 0, 17);
    const rule = parseCron({ cron: "@every 6h" }, anchor);
    for (const after of [anchor - 1, anchor, anchor + 1, anchor + HOUR, anchor + 6 * HOUR - 1]) {
      assert.equal(rule.next(after), after < anchor ? anchor : anchor + 6 * HOUR);
    }
    assert.equal(rule.next(anchor + 600 * HOUR), anchor + 606 * HOUR);
  });
});
