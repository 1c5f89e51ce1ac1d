import assert from "node:assert/strict";
import { checkRetry, retryPolicyOf } from "../../../platform/events/check-retry.ts";
import { checkScheduleSpec } from "../../../platform/events/check-schedule.ts";
import { checkSubscriptionSpec } from "../../../platform/events/check-subscription.ts";
import { checkTopicSpec } from "../../../platform/events/check-topic.ts";
import { DEFAULT_RETRY } from "../../../platform/events/retry-policy.ts";
import type { SpecFault } from "../../../platform/events/spec-check.ts";

type Faulty = readonly [spec: unknown, pointer: string, detail: RegExp];

function refuses(check: (spec: unknown) => readonly SpecFault[], cases: readonly Faulty[]) {
  for (const [spec, pointer, detail] of cases) {
    const [fault, another] = check(spec);
    const shown = JSON.stringify(spec);
    assert.ok(fault, `${shown} is accepted`);
    assert.equal(another, undefined, `${shown} has another fault: ${another?.detail}`);
    assert.equal(fault.pointer, pointer, shown);
    assert.match(fault.detail, detail, shown);
  }
}

function accepts(check: (spec: unknown) => readonly SpecFault[], specs: readonly unknown[]) {
  for (const spec of specs) assert.deepEqual(check(spec), [], JSON.stringify(spec));
}

describe("the spec of a topic", () => {
  it("may be empty, or have every member", () =>
    accepts(checkTopicSpec, [
      {},
      { paths: ["/", "/test", "/a/b~c"], replyTimeout: "0s", access: "public" },
      { access: "key", keepFor: "7d", keepBytes: "10Gi", maxEvent: "5Mi", replyTimeout: "30s" },
    ]));

  it("is refused with the member, its value and what to do", () =>
    refuses(checkTopicSpec, [
      [[], "", /^The spec is \[\]: use an object with paths, replyTimeout, /],
      [{ path: "/a" }, "/path", /^Unknown member "path"\. Did you mean "paths"\?/],
      [{ paths: "/a" }, "/paths", /^paths is "\/a": use a list of 1 to 100 values\.$/],
      [{ paths: ["/a", "b"] }, "/paths/1", /^paths\.1 is "b": use a path such as \/test/],
      [{ paths: ["/a/"] }, "/paths/0", /without a slash at its end/],
      [{ paths: ["/a/../b"] }, "/paths/0", /use a path/],
      [{ paths: ["/a?b"] }, "/paths/0", /use a path/],
      [{ paths: ["/a", "/a"] }, "/paths/1", /^paths has \/a twice/],
      [{ access: "internal" }, "/access", /^access is "internal": use key or public\.$/],
      [{ replyTimeout: "6m" }, "/replyTimeout", /a duration from 0 ms to 5 min, such as "30s"/],
      [{ keepFor: 5 }, "/keepFor", /^keepFor is 5: use a duration from 1 s to 365 days/],
      [{ keepBytes: "1" }, "/keepBytes", /at least 1024, such as "1Gi"/],
      [{ maxEvent: null }, "/maxEvent", /^maxEvent is null: use a number of bytes/],
    ]));
});

describe("the spec of a subscription", () => {
  const base = { topic: "orders", function: "bill" };

  it("may have every member", () =>
    accepts(checkSubscriptionSpec, [
      base,
      { topic: "orders", url: "https://example.com/hook?a=1", from: "earliest" },
      { topic: "orders", flow: "ship", concurrency: 4 },
      { ...base, path: "/new?dry=1", group: "billing", from: "2026-11-29", replies: false, paused: true },
      { ...base, order: "key", orderBy: "customer", concurrency: 1, replyTo: "invoices" },
      { ...base, retry: { attempts: 3, backoff: "0s", maxAge: "1h", on: ["5xx", "429", "connection"] } },
      {
        ...base,
        filter: {
          exact: { type: "a" },
          any: [{ prefix: { subject: "b" } }, { not: { suffix: { source: "c" } } }],
        },
      },
    ]));

  it("is refused with the member, its value and what to do", () => {
    const deep = Array.from({ length: 9 }).reduce<unknown>((inner) => ({ not: inner }), {
      exact: { a: "b" },
    });
    refuses(checkSubscriptionSpec, [
      [{ function: "bill" }, "", /^The subscription has no topic/],
      [{ topic: "orders" }, "", /name one of function, url and flow/],
      [{ ...base, url: "http://a.example" }, "", /name one of function, url and flow/],
      [{ ...base, flow: "ship" }, "", /name one of function, url and flow/],
      [{ topic: "orders", flow: "Ship" }, "/flow", /^flow is "Ship": use a name/],
      [{ topic: "orders", flow: "ship", path: "/b" }, "/path", /path is for functions: remove it/],
      [{ ...base, topic: "Orders" }, "/topic", /^topic is "Orders": use a name of 1 to 63 characters/],
      [{ ...base, function: "a_b" }, "/function", /use the name of a function/],
      [{ topic: "orders", url: "ftp://a" }, "/url", /use an http or https URL/],
      [{ topic: "orders", url: "http://u:p@a" }, "/url", /without a user name/],
      [{ topic: "orders", url: "http://a", path: "/b" }, "/path", /make it a part of url/],
      [{ ...base, path: "b" }, "/path", /a path that starts with \//],
      [{ ...base, from: "yesterday" }, "/from", /latest, earliest or a time such as/],
      [{ ...base, order: "yes" }, "/order", /use none or key/],
      [{ ...base, orderBy: "customer" }, "/orderBy", /with order: key alone/],
      [{ ...base, order: "key", orderBy: "Customer" }, "/orderBy", /characters of a-z and 0-9/],
      [{ ...base, concurrency: 0 }, "/concurrency", /a whole number from 1 to 1000/],
      [{ ...base, replies: "no" }, "/replies", /use true or false/],
      [{ ...base, retry: { atempts: 3 } }, "/retry/atempts", /Did you mean "attempts"/],
      [{ ...base, filter: {} }, "/filter", /^filter is empty/],
      [
        { ...base, filter: { exact: { Type: "a" } } },
        "/filter/exact",
        /use names of attributes in lower case/,
      ],
      [{ ...base, filter: { all: [{ any: [] }] } }, "/filter/all/0/any", /a list of 1 to 50 values/],
      [{ ...base, filter: deep }, `/filter${"/not".repeat(8)}`, /over 8 filters deep/],
    ]);
  });
});

describe("the spec of a schedule", () => {
  const base = { cron: "0 3 * * *", call: { function: "report" } };

  it("may have every member", () =>
    accepts(checkScheduleSpec, [
      base,
      { cron: "@every 90s", event: { topic: "ticks" } },
      { ...base, timeZone: "Europe/Berlin", overlap: "queue", missed: "all", jitter: "30s", paused: true },
      {
        ...base,
        call: { function: "report", method: "PUT", path: "/day", headers: { "x-a": "b" }, body: [1] },
      },
      { ...base, call: { function: "report", retry: { attempts: 1 } } },
      { cron: "@daily", run: { flow: "nightly" } },
      { cron: "@daily", run: { flow: "nightly", input: { rows: 10 } }, overlap: "allow" },
      {
        cron: "@hourly",
        event: { topic: "ticks", type: "a.b", attributes: { subject: "c" }, data: { d: 1 } },
      },
    ]));

  it("is refused with the member, its value and what to do", () =>
    refuses(checkScheduleSpec, [
      [{ call: { function: "report" } }, "", /^The schedule has no times/],
      [{ cron: "@hourly" }, "", /name one of call, event and run/],
      [{ ...base, event: { topic: "a" } }, "", /name one of call, event and run/],
      [{ ...base, run: { flow: "a" } }, "", /name one of call, event and run/],
      [{ cron: "@hourly", call: {} }, "/call", /^call has no function/],
      [{ cron: "@hourly", run: { input: 1 } }, "/run", /^run has no flow/],
      [{ cron: "@hourly", event: { type: "a" } }, "/event", /^event has no topic/],
      [{ ...base, cron: "a\nb" }, "/cron", /use a cron expression such as/],
      [
        { ...base, timeZone: "Europe/Berln" },
        "/timeZone",
        /^timeZone: "Europe\/Berln" is not a time zone \(did you mean Europe\/Berlin\?\)\.$/,
      ],
      [{ ...base, timeZone: "" }, "/timeZone", /use an IANA time zone/],
      [{ ...base, cron: "0 3 * *" }, "/cron", /^cron: "0 3 \* \*" has 4 fields; use five/],
      [
        { ...base, cron: "TZ=Europe/Berlin 0 3 * * *" },
        "/cron",
        /^cron has a time zone: write cron: "0 3 \* \* \*" and timeZone: Europe\/Berlin\.$/,
      ],
      [{ ...base, cron: "0 0 31 2 *", timeZone: "UTC" }, "/cron", /never fires/],
      [{ ...base, tz: "UTC" }, "/tz", /^Unknown member "tz"/],
      [{ ...base, overlap: "wait" }, "/overlap", /use skip, queue or allow/],
      [{ ...base, missed: "never" }, "/missed", /use skip, once or all/],
      [{ ...base, jitter: "2d" }, "/jitter", /a duration from 0 ms to 24 h/],
      [{ ...base, call: { function: "report", method: "CONNECT" } }, "/call/method", /use GET, HEAD/],
      [
        { ...base, call: { function: "report", headers: { a: "b\r\nc: d" } } },
        "/call/headers",
        /on one line/,
      ],
      ...["Host", "content-length", "transfer-encoding", "connection", "skiff-call", "x-skiff-key"].map(
        (name) =>
          [
            { ...base, call: { function: "report", headers: { [name]: "1" } } },
            `/call/headers/${name}`,
            new RegExp(`^call\\.headers has ${name}, which Skiff sets itself: remove it\\.$`),
          ] as const,
      ),
      [
        { cron: "@hourly", event: { topic: "a", attributes: { id: "1" } } },
        "/event/attributes",
        /other than/,
      ],
    ]));
});

describe("a retry policy", () => {
  it("completes what a spec leaves out", () => {
    assert.deepEqual(retryPolicyOf(), DEFAULT_RETRY);
    const spec = { attempts: 2, backoff: "500ms", maxAge: "1h" };
    const policy = { attempts: 2, backoffMs: 500, maxAgeMs: 3_600_000, on: DEFAULT_RETRY.on };
    assert.deepEqual(retryPolicyOf(spec), policy);
    assert.deepEqual(retryPolicyOf({ on: ["404"] }, policy), { ...policy, on: ["404"] });
  });

  it("is refused with the member, its value and what to do", () =>
    refuses(
      (spec) => checkRetry(spec, ["retry"]),
      [
        [{ attempts: 0 }, "/retry/attempts", /^retry\.attempts is 0: use a whole number from 1 to 100\.$/],
        [{ backoff: "6m" }, "/retry/backoff", /from 0 ms to 5 min/],
        [{ maxAge: "8d" }, "/retry/maxAge", /from 1 s to 7 days/],
        [{ on: ["200"] }, "/retry/on/0", /a status from 400 to 599 as text such as "429", 4xx/],
      ],
    ));
});
