import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import type { CallHead } from "../../../store/call.ts";
import { eventually } from "../../support/eventually.ts";
import { PostgresServer } from "../../support/postgres.ts";
import { type OpenEvents, openEvents } from "./open-events.ts";
import { RecordingRouter } from "./recording-router.ts";

/** The judged figure is 60 s. */
const AWAY_MS = Number(process.env.SKIFF_CHAOS_AWAY_MS ?? 3_000);

describe("events whose store goes away under load", function () {
  this.timeout(60_000 + 2 * AWAY_MS);
  let postgres: PostgresServer;
  let router: RecordingRouter;
  let programs: OpenEvents[] = [];
  const lines: string[] = [];

  before(async () => {
    postgres = await PostgresServer.start();
    router = await RecordingRouter.start(async () => {
      await pause(200);
      return [200, {}];
    });
  });
  afterEach(async () => {
    await Promise.all(programs.map((program) => program.close()));
    programs = [];
  });
  after(async function () {
    this.timeout(60_000);
    router.close();
    await postgres.close();
  });

  it("refuse with 503 meanwhile, lose nothing, and burn no attempt", async () => {
    const store = await postgres.newDatabase();
    const options = { store, router: router.url, isShared: true, print: (line: string) => lines.push(line) };
    programs = await Promise.all([openEvents(options), openEvents(options)]);
    const acknowledged: string[] = [];
    const refused: number[] = [];
    let isLoading = true;
    const client = async (number: number) => {
      for (let name = 0; isLoading; name++) {
        const { url } = programs[name % 2]!;
        const response = await fetch(`${url}/async/fn/hello/`, { method: "POST", body: `${number} ${name}` });
        const body = (await response.json()) as { id: string };
        if (response.status === 202) acknowledged.push(body.id);
        else {
          refused.push(response.status);
          await pause(100);
        }
      }
    };
    const clients = [1, 2, 3, 4].map(client);
    await eventually("calls run", () => router.started.length > 20);
    await postgres.pause();
    await eventually("calls are refused", () => refused.length >= 4);
    await pause(AWAY_MS);
    const before = acknowledged.length;
    await postgres.restart();
    await eventually("calls are taken again", () => acknowledged.length > before + 20);
    isLoading = false;
    await Promise.all(clients);

    const [{ store: calls }] = programs as [OpenEvents];
    const records = async () => {
      const all = await calls.calls.list({ limit: 100_000 });
      return new Map(all.map((record): [string, CallHead] => [record.id, record]));
    };
    const isDone = async () => [...(await records()).values()].every(({ state }) => state === "done");
    await eventually("all are done", isDone, 30_000);
    assert.deepEqual([...new Set(refused)], [503]);
    const kept = await records();
    for (const id of acknowledged) assert.ok(kept.has(id), id);
    const attempts = [...kept.values()].map((record) => record.attempts.length);
    assert.deepEqual([...new Set(attempts)], [1], lines.join("\n"));
    const runs = router.started.map(({ call }) => call);
    assert.equal(new Set(runs).size, runs.length, "none ran twice");
  });
});
