import assert from "node:assert/strict";
import request from "supertest";
import type { UsageQuery, UsageSum } from "../../../store/store.ts";
import { type StartedManager, type StartOptions, startManager } from "../started-manager.ts";

const HOUR = new Date("2026-11-29T14:00:00Z");
const USED = { calls: 3, errors: 1, gbSeconds: 0.25, bytesOut: 1_000 };

describe("manager: GET /usage", () => {
  let manager: StartedManager;
  let asked: UsageQuery[];
  let sums: UsageSum[];
  before(async () => {
    const usage = {
      sum: async (query: UsageQuery) => {
        asked.push(query);
        return sums;
      },
    };
    manager = await startManager({ store: { usage } as unknown as StartOptions["store"] & object });
  });
  after(() => manager.stop());
  beforeEach(() => {
    asked = [];
    sums = [{ function: "hello", hour: HOUR, ...USED }];
  });

  const get = (query: string, accept = "*/*") =>
    request(manager.url).get(`/usage${query}`).set("accept", accept);

  it("loads no more rows than one answer may have, and refuses more", async () => {
    sums = new Array<UsageSum>(100_001).fill({ function: "hello", ...USED });
    const { body, status } = await get("?by=function,key,version,hour");
    assert.deepEqual([status, body.code, asked[0]!.limit], [400, "invalid_request", 100_001]);
    assert.match(body.detail, /^The answer would have more than 100000 rows: ask for a shorter time/);
  });

  it("answers JSON with sums and their total", async () => {
    sums.push({ function: "other", hour: HOUR, ...USED });
    const { body, status } = await get("?by=function,hour&from=2026-11-29&to=2026-11-29T14:59:00%2B00:00");
    assert.equal(status, 200);
    assert.deepEqual(body, {
      from: "2026-11-29T00:00:00.000Z",
      to: "2026-11-29T14:00:00.000Z",
      by: ["function", "hour"],
      usage: JSON.parse(JSON.stringify(sums)),
      total: { calls: 6, errors: 2, gbSeconds: 0.5, bytesOut: 2_000 },
    });
    assert.deepEqual(asked[0]!.by, ["function", "hour"]);
  });

  it("answers CSV for format=csv and for Accept: text/csv", async () => {
    const lines = [
      "function,hour,calls,errors,gbSeconds,bytesOut",
      "hello,2026-11-29T14:00:00.000Z,3,1,0.25,1000",
      "",
    ];
    for (const [query, accept] of [
      ["&format=csv", "application/json"],
      ["", "text/csv"],
    ]) {
      const { text, headers } = await get(`?by=function,hour${query}`, accept);
      assert.match(headers["content-type"]!, /^text\/csv/);
      assert.equal(text, lines.join("\r\n"));
    }
    const { headers } = await get("?format=json", "text/csv");
    assert.match(headers["content-type"]!, /^application\/json/);
  });

  it("asks for the calls of this month by function without a query", async () => {
    await get("");
    const [{ from, to, by }] = asked as [UsageQuery];
    const now = new Date();
    assert.equal(from.toISOString(), `${now.toISOString().slice(0, 7)}-01T00:00:00.000Z`);
    assert.ok(to > now && to.getTime() - now.getTime() <= 3_600_000);
    assert.deepEqual(by, ["function"]);
  });

  it("passes the function and the key on, also the empty one", async () => {
    await get("?function=hello&key=&by=");
    assert.deepEqual([asked[0]!.function, asked[0]!.key, asked[0]!.by], ["hello", "", []]);
  });

  it("refuses what it cannot read, naming it", async () => {
    for (const [query, detail] of [
      ["by=day", /unknown column "day"/],
      ["by=hour,hour", /names hour twice/],
      ["from=yesterday", /from=yesterday is not a valid time/],
      ["from=2026-13-01", /is not a valid time/],
      ["from=2026-02-31", /from=2026-02-31 is not a valid time/],
      ["format=xml", /use json or csv/],
      ["from=2026-11-29T14:10:00Z&to=2026-11-29T14:50:00Z", /no whole hour/],
      ["since=1h", /There is no parameter "since"/],
    ] as const) {
      const { status, body } = await get(`?${query}`);
      assert.equal(status, 400, query);
      assert.equal(body.code, "invalid_request");
      assert.match(body.detail, detail);
    }
  });

  it("answers 503 where Skiff keeps nothing", async () => {
    const without = await startManager();
    const { status, body } = await request(without.url).get("/usage");
    assert.deepEqual([status, body.code], [503, "store_unavailable"]);
    await without.stop();
  });
});
