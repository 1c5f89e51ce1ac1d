import assert from "node:assert/strict";
import { DEFAULT_RETRY, isRetryOutcome, retryPolicy } from "../../../platform/events/retry-policy.ts";
import { canonicalSettings } from "../../../platform/settings/settings.ts";
import { apply, fromQuery } from "./applied.ts";

describe("the setting cron", () => {
  const CRONS = ["0 3 1,15 * *", "TZ=Europe/Berlin @hourly"];

  it("is a list of expressions, which a query repeats", () => {
    assert.deepEqual(fromQuery("cron=0 3 1,15 * *&cron=TZ=Europe/Berlin   @hourly").cron, CRONS);
    assert.deepEqual(apply({ cron: CRONS }).cron, CRONS);
    assert.deepEqual(fromQuery("cron=none", apply({ cron: CRONS })).cron, []);
    assert.deepEqual(apply({ cron: null }, apply({ cron: CRONS })).cron, []);
  });

  it("refuses wrong expressions with the reason", () => {
    const refuses = (query: string, detail: RegExp) =>
      assert.throws(() => fromQuery(query), {
        code: "invalid_setting",
        detail,
        extensions: { setting: "cron" },
      });
    refuses(
      "cron=0 25 * * *",
      /^cron: "0 25 \* \* \*" is not a valid cron expression \(Invalid value for hour: 25\)/,
    );
    refuses("cron=TZ=Europe/Berln @daily", /\(did you mean Europe\/Berlin\?\)\.$/);
    refuses("cron=none&cron=@daily", /excludes other entries/);
    refuses("cron=@daily&cron=@daily", /is in the list twice/);
    refuses("cron=", /has 1 field/);
    refuses(Array.from({ length: 11 }, (_, minute) => `cron=${minute} * * * *`).join("&"), /at most 10/);
    assert.throws(() => apply({ cron: "@daily" }), /must be a list/);
    assert.throws(() => apply({ cron: [5] }), /5 is not a string/);
  });
});

describe("the setting retry", () => {
  const RETRY = { attempts: 3, backoffMs: 2_000, maxAgeMs: 3_600_000, on: ["429", "5xx"] };

  it("is read from the query and from JSON", () => {
    assert.deepEqual(fromQuery("attempts=3&backoff=2s&max-age=1h&retry-on=5xx,429").retry, RETRY);
    assert.deepEqual(fromQuery("retry-on=5xx&retry-on=connection").retry, {
      on: ["5xx", "connection"].sort(),
    });
    assert.deepEqual(fromQuery("retry-on=none").retry, { on: [] });
    assert.deepEqual(apply({ retry: RETRY }).retry, RETRY);
  });

  it("is reset one by one with default or null", () => {
    const { attempts: _, ...rest } = RETRY;
    assert.deepEqual(fromQuery("attempts=default", apply({ retry: RETRY })).retry, rest);
    assert.deepEqual(apply({ retry: { attempts: null } }, apply({ retry: RETRY })).retry, rest);
    assert.deepEqual(apply({ retry: null }, apply({ retry: RETRY })).retry, {});
  });

  it("refuses what is no policy", () => {
    const queries = ["attempts=0", "attempts=101", "attempts=many", "attempts=1&attempts=2", "backoff=6m"];
    for (const query of [
      ...queries,
      "max-age=8d",
      "max-age=1ms",
      "retry-on=200",
      "retry-on=",
      "retry-on=none,5xx",
    ]) {
      assert.throws(() => fromQuery(query), { code: "invalid_setting" }, query);
    }
    assert.throws(() => apply({ retry: { atempts: 1 } }), /Did you mean "retry.attempts"/);
    assert.throws(() => apply({ retry: 3 }), /must be an object with attempts, backoffMs, maxAgeMs, on/);
  });

  it("completes what somebody else has set, the first one first", () => {
    assert.deepEqual(retryPolicy(), DEFAULT_RETRY);
    assert.deepEqual(retryPolicy(undefined, RETRY), RETRY);
    assert.deepEqual(retryPolicy({ attempts: 1 }, RETRY), { ...RETRY, attempts: 1 });
    assert.ok(DEFAULT_RETRY.on.every(isRetryOutcome));
  });
});

describe("settings of events", () => {
  it("change the hash of a version only if they are set", () => {
    const texts = [{}, { cron: ["@daily"] }, { retry: { attempts: 3 } }, { retry: { attempts: 4 } }].map(
      (patch) => canonicalSettings(apply(patch)),
    );
    assert.equal(new Set(texts).size, 4);
    assert.ok(!texts[0]!.includes("cron") && !texts[0]!.includes("retry"));
  });
});
