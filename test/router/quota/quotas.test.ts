import assert from "node:assert/strict";
import http from "node:http";
import { applySettings, defaultSettings } from "../../../platform/settings/settings.ts";
import { type Answer, Harness, send, until } from "../support/harness.ts";

describe("router: quotas of functions", () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = await Harness.start();
  });
  afterEach(() => harness.close());

  const call = (path = "") => send(`${harness.url}/fn/echo${path}`);
  const problemOf = ({ body }: Answer) => JSON.parse(body) as Record<string, unknown>;

  it("answers 429 with the policy, the function and when it resets", async () => {
    await harness.serve((_, response) => void response.end("ok"), { quota: { rate: "2/m", burst: 2 } });
    assert.equal((await call()).status, 200);
    const last = await call();
    assert.equal(last.headers["ratelimit-policy"], '"function-rate";q=2;w=60');
    assert.match(String(last.headers.ratelimit), /^"function-rate";r=0;t=(29|30)$/);
    const refused = await call();
    assert.equal(refused.status, 429);
    assert.equal(refused.headers["x-skiff-error"], "platform");
    assert.equal(refused.headers["ratelimit-policy"], '"function-rate";q=2;w=60');
    assert.match(String(refused.headers["access-control-expose-headers"]), /ratelimit/);
    const retryAfterS = Number(refused.headers["retry-after"]);
    assert.ok(retryAfterS >= 28 && retryAfterS <= 31, `${retryAfterS}`);
    const { code, detail, quota } = problemOf(refused) as {
      code: string;
      detail: string;
      quota: { resetsAt: string };
    };
    assert.equal(code, "quota_exceeded");
    assert.match(
      detail,
      /^The function "echo" may have calls at a rate of 2\/m and 2 at once \(quota\.rate\)/,
    );
    const { resetsAt, ...rest } = quota;
    assert.deepEqual(rest, { policy: "rate", limit: "2/m", function: "echo" });
    const inS = (Date.parse(resetsAt) - Date.now()) / 1_000;
    assert.ok(inS > 25 && inS < 32, resetsAt);
  });

  it("sends no such field and refuses nothing without a quota", async () => {
    await harness.serve((_, response) => void response.end("ok"));
    const { headers } = await call();
    assert.equal(headers.ratelimit, undefined);
    assert.equal(headers["ratelimit-policy"], undefined);
  });

  it("gives a place back when a call ends, however it ends", async () => {
    const held: http.ServerResponse[] = [];
    await harness.serve(
      (request, response) => {
        const isProbe = request.headers["x-skiff-probe"] !== undefined;
        if (isProbe || request.url === "/now") response.end("ok");
        else held.push(response);
      },
      { quota: { inFlight: 2 } },
    );
    const ends: ((response: http.ServerResponse) => void)[] = [
      (response) => response.end("ok"),
      (response) => response.destroy(),
      (response) => void response.writeHead(500).end(),
    ];
    for (const end of ends) {
      const first = call("/held");
      const second = call("/held");
      await until(() => held.length === 2, "both calls run");
      const refused = await call("/now");
      assert.equal(refused.status, 429);
      assert.match(String(problemOf(refused).detail), /2 calls at the same time \(quota\.inFlight\)/);
      for (const response of held.splice(0)) end(response);
      await Promise.all([first, second]);
      await until(() => harness.router.functions.get("echo")!.gate!.inFlight === 0, "the places are free");
    }
    const request = http.get(`${harness.url}/fn/echo/held`, { agent: false });
    request.on("error", () => {});
    const other = call("/held");
    await until(() => held.length === 2, "both calls run");
    request.destroy();
    await until(async () => (await call("/now")).status === 200, "the client that left has no place");
    for (const response of held) response.end();
    await other;
  });

  it("does not count refused calls as calls, and counts refusals by their code", async () => {
    await harness.serve((_, response) => void response.end("ok"), { quota: { perMonth: 1 } });
    assert.equal((await call()).status, 200);
    const refused = await call();
    assert.equal(refused.status, 429);
    assert.match(String(problemOf(refused).detail), /The next month begins at \d{4}-\d\d-01T00:00:00\.000Z/);
    const { batches } = harness.router.functions.sheet.report({});
    assert.deepEqual(
      batches.flatMap(({ counts }) => counts).map(({ calls }) => calls),
      [1],
    );
    assert.deepEqual(harness.stats().refused, { quota_exceeded: 1 });
  });

  it("applies the quota of a new version at once", async () => {
    await harness.serve((_, response) => void response.end("ok"), { quota: { perMonth: 1 } });
    assert.equal((await call()).status, 200);
    assert.equal((await call()).status, 429);
    const instances = harness.platform
      .endpoints("echo")!
      .versions[0]!.instances.map(({ address }) => address);
    await harness.publish("echo", instances, {});
    await until(async () => (await call()).status === 200, "no quota");
    const settings = applySettings(defaultSettings(harness.limits), { quota: { rate: 5 } }, harness.limits);
    assert.deepEqual(settings.quota, { rate: "5/s" });
  });
});
