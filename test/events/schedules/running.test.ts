import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";

const ECHO = `export default (request) =>
  new Response(request.method + " " + new URL(request.url).pathname + " " + request.headers.get("skiff-scheduled-at"));`;

interface Firing {
  readonly at: string;
  readonly firedAt: string;
  readonly outcome: string;
  readonly call: string;
}

describe("schedules on one machine", function () {
  this.timeout(60_000);
  const dataFolder = mkdtempSync(join(tmpdir(), "skiff-test-"));
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff({ dataFolder });
    assert.equal((await skiff.deploy("echo", ECHO, "cron=* * * * * *&cron=@every 1h&min=1")).status, 201);
  });
  after(async () => {
    await skiff.close();
    rmSync(dataFolder, { recursive: true });
  });

  const get = async <T>(path: string): Promise<T> => (await (await fetch(`${skiff.url}${path}`)).json()) as T;
  const textOf = async (path: string) => (await fetch(`${skiff.url}${path}`)).text();
  const put = async (name: string, spec: object) => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${skiff.url}/schedule/${name}`, {
      method: "PUT",
      headers,
      body: JSON.stringify(spec),
    });
    assert.equal(response.status, 201, await response.clone().text());
  };
  const callsOf = async (schedule: string) =>
    (await get<{ calls: { id: string; state: string }[] }>(`/call?schedule=${schedule}`)).calls;
  const timesOf = async () =>
    (await get<{ schedules: { schedule: string; next: string[]; lastOutcome?: string }[] }>("/func/echo"))
      .schedules;

  it("call a function at the times of its setting, once each", async () => {
    const ended = async () => (await callsOf("fn/echo/0")).filter(({ state }) => state === "done");
    await eventually("three calls are done", async () => (await ended()).length >= 3, 30_000);
    const texts = await Promise.all((await ended()).map(({ id }) => textOf(`/call/${id}/result`)));
    const times = texts.map((text) => /^POST \/ (.*\.000Z)$/.exec(text)![1]!);
    assert.equal(new Set(times).size, times.length);
    const [often, hourly] = await timesOf();
    assert.deepEqual([often!.schedule, often!.next.length, often!.lastOutcome], ["fn/echo/0", 10, "fired"]);
    assert.equal(Date.parse(hourly!.next[1]!) - Date.parse(hourly!.next[0]!), 3_600_000);
  });

  it("fire a declaration in time, with what it sends, until it is paused", async () => {
    await put("report", {
      cron: "* * * * * *",
      call: { function: "echo", method: "PUT", path: "/day" },
      overlap: "allow",
    });
    const firings = async () => (await get<{ firings: Firing[] }>("/schedule/report/firings")).firings;
    await eventually("it has fired three times", async () => (await firings()).length >= 3, 30_000);
    const fired = await firings();
    for (const { at, firedAt, outcome } of fired) {
      assert.equal(outcome, "fired");
      const lateMs = Date.parse(firedAt) - Date.parse(at);
      assert.ok(lateMs >= 0 && lateMs < 20_000, `${lateMs} ms late`);
    }
    const metrics = await textOf("/metrics");
    assert.ok(Number(/^skiff_schedule_firings_total (\d+)$/m.exec(metrics)![1]) >= 3);
    assert.ok(Number(/^skiff_schedule_delay_seconds (.+)$/m.exec(metrics)![1]) < 5);
    const { call, at } = fired.at(-1)!;
    await get(`/call/${call}?wait=30s`);
    assert.equal(await textOf(`/call/${call}/result`), `PUT /day ${at}`);
    await fetch(`${skiff.url}/schedule/report/pause`, { method: "POST" });
    const { state } = await get<{ state: { paused: boolean; nextAt: string | null } }>("/schedule/report");
    assert.deepEqual([state.paused, state.nextAt], [true, null]);
  });

  it("keep the phase of @every over a restart, and fire on", async () => {
    const [, { next: before }] = (await timesOf()) as [unknown, { next: string[] }];
    await skiff.close();
    skiff = await startedSkiff({ dataFolder });
    const [, { next: after }] = (await timesOf()) as [unknown, { next: string[] }];
    assert.deepEqual(after, before);
    const count = (await callsOf("fn/echo/0")).length;
    await eventually("it fires again", async () => (await callsOf("fn/echo/0")).length > count, 30_000);
  });
});
