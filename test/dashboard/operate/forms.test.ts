import assert from "node:assert/strict";
import type { Key } from "../../../dashboard/web/keys/key.ts";
import { draftOf as keyDraftOf, patchOf } from "../../../dashboard/web/keys/key-draft.ts";
import { checkCron } from "../../../dashboard/web/schedules/cron-times.ts";
import type { ScheduleSpec } from "../../../dashboard/web/schedules/schedule.ts";
import { draftOf, specOf } from "../../../dashboard/web/schedules/schedule-draft.ts";
import { EMPTY_DRAFT, fieldsOf } from "../../../dashboard/web/topics/event-draft.ts";
import { keptBytesText, keptForText } from "../../../dashboard/web/topics/topic.ts";
import { barsOf } from "../../../dashboard/web/usage/usage.ts";
import { cronFault, nextTimes, parseCron } from "../../../platform/events/cron.ts";

const NOW = Date.parse("2026-03-28T12:00:00Z");

describe("forms of the dashboard", () => {
  it("names the same next times as the platform, also around a change to summer time", () => {
    const valid = [
      "0 3 * * *",
      "30 2 * * *",
      "*/15 * * * *",
      "*/10 * * * * *",
      "0 0 L * *",
      "@daily",
      "@every 1h30m",
    ];
    for (const cron of valid)
      for (const timeZone of ["UTC", "Europe/Berlin"]) {
        assert.equal(cronFault({ cron, timeZone }), undefined, cron);
        const expected = nextTimes(parseCron({ cron, timeZone }, NOW), NOW, 5);
        assert.deepEqual(checkCron(cron, timeZone, NOW), { times: expected }, `${cron} in ${timeZone}`);
      }
  });

  it("names what a topic keeps in units that people read", () => {
    const texts = ["168h", "24h", "36h", "30m"].map((keepFor) => keptForText({ keepFor }));
    assert.deepEqual(texts, ["7 days", "1 day", "36h", "30m"]);
    assert.equal(keptForText({}), "7 days");
    assert.deepEqual([keptBytesText({}), keptBytesText({ keepBytes: "512Mi" })], ["1 GiB", "512 MiB"]);
    assert.equal(keptBytesText({ keepBytes: "1000" }), "1000");
  });

  it("refuses the expressions that the platform refuses", () => {
    for (const cron of [
      "",
      "0 3 * *",
      "61 * * * *",
      "0 0 30 2 *",
      "@every 0s",
      "@sometimes",
      "2026-01-01T00:00:00",
    ]) {
      assert.notEqual(cronFault({ cron }), undefined, cron);
      assert.notEqual(checkCron(cron, "UTC", NOW).fault, undefined, cron);
    }
    assert.notEqual(checkCron("0 3 * * *", "Europe/Atlantis", NOW).fault, undefined);
  });

  it("keeps what the form of a schedule has no field for", () => {
    const spec: ScheduleSpec = {
      cron: "0 3 * * *",
      overlap: "skip",
      missed: "once",
      paused: true,
      call: { function: "report", headers: { "x-kind": "daily" }, body: { pages: 2 } },
    };
    assert.deepEqual(specOf(draftOf(spec), spec), spec);
    const { call } = specOf({ ...draftOf(spec), content: "plain" }, spec);
    assert.equal((call as { body: unknown }).body, "plain");
  });

  it("sends attributes of an event as header fields, and says what is wrong", () => {
    const draft = { ...EMPTY_DRAFT, type: "order.created", subject: "é 1", extensions: "partitionkey: ann" };
    assert.deepEqual(fieldsOf({ ...draft, data: "{}" }), {
      headers: {
        "content-type": "application/json",
        "ce-type": "order.created",
        "ce-subject": "%C3%A9%201",
        "ce-partitionkey": "ann",
      },
      ...{ dataFault: undefined, extensionFault: undefined },
    });
    assert.match(fieldsOf({ ...draft, data: "{" }).dataFault!, /not valid JSON/);
    assert.match(fieldsOf({ ...draft, extensions: "Partition key" }).extensionFault!, /Partition key/);
  });

  it("changes a key without its burst and its expiry", () => {
    const key: Key = {
      id: "k1",
      name: "app",
      scopes: ["call"],
      state: "active",
      createdAt: "2026-03-28T12:00:00Z",
      expiresAt: "2030-01-01T00:00:00Z",
      quota: { rate: "100/s", burst: 200 },
    };
    assert.deepEqual(patchOf(keyDraftOf(key), key), {
      ...{ name: "app", scopes: ["call"], functions: null },
      quota: { rate: "100/s", burst: 200 },
    });
  });

  it("draws a bar for each hour or day of a range, also where nothing was called", () => {
    const usage = [{ hour: "2026-03-28T11:00:00.000Z", calls: 3, errors: 1, gbSeconds: 0, bytesOut: 0 }];
    const total = { calls: 3, errors: 1, gbSeconds: 0, bytesOut: 0 };
    const to = "2026-03-28T12:00:00.000Z";
    const hourly = barsOf({ from: "2026-03-28T09:00:00.000Z", to, usage, total });
    assert.deepEqual([hourly.isDaily, hourly.bars.map(({ calls }) => calls)], [false, [0, 0, 3]]);
    const daily = barsOf({ from: "2026-03-20T09:00:00.000Z", to, usage, total });
    assert.deepEqual([daily.isDaily, daily.bars.length, daily.bars.at(-1)!.calls], [true, 9, 3]);
  });
});
