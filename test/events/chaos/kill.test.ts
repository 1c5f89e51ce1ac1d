import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { PostgresStore } from "../../../store/postgres/postgres-store.ts";
import { SqliteStore } from "../../../store/sqlite/sqlite-store.ts";
import { eventually } from "../../support/eventually.ts";
import { sharedPostgres } from "../../support/postgres.ts";
import { seededRandom, testSeed } from "../../support/seeded-random.ts";
import { KilledPrograms } from "./killed-programs.ts";
import { RecordingRouter } from "./recording-router.ts";

/** Calls, and as many events. The judged figure is 10,000; two programs take over each other's calls after 30 s. */
const CALLS = Number(process.env.SKIFF_CHAOS_CALLS ?? 200);
const CLIENTS = 8;
const KILLS = 5 + Math.floor(CALLS / 300);
const LONG_MS = 120_000 + CALLS * 30;

describe("events whose program is killed at random", function () {
  this.timeout(LONG_MS);
  let folder: string;
  let router: RecordingRouter;
  let programs: KilledPrograms | undefined;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "skiff-chaos-"));
    router = await RecordingRouter.start(async () => {
      await pause(Math.random() * 10);
      return [200, {}];
    });
  });
  afterEach(async () => {
    await programs?.close();
    router.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const inFolder = () => join(folder, "history.db");
  const inPostgres = async () => (await sharedPostgres()).newDatabase();

  it("lose no call and no event, and repeat only with a higher attempt, on SQLite", () =>
    check(inFolder(), 1));
  it("lose no call and no event, and repeat only with a higher attempt, on PostgreSQL", async () =>
    check(await inPostgres(), 1));
  if (process.env.SKIFF_CHAOS_CALLS !== undefined) {
    it("lose no call and no event with two programs on PostgreSQL", async () => check(await inPostgres(), 2));
  }

  async function check(store: string, count: number): Promise<void> {
    const random = seededRandom(testSeed());
    let acknowledgements = 0;
    const kills = Array.from({ length: KILLS }, () => 2 * CALLS * random()).sort((a, b) => a - b);
    const progress = () => acknowledgements;
    programs = new KilledPrograms({ store, router: router.url, count, random, progress, kills });
    const names = Array.from({ length: CALLS }, (_, place) => String(place));
    const work = names.flatMap((name) => [() => call(name), () => event(name)]);
    const acknowledged = new Map<string, string>();
    const deadline = Date.now() + LONG_MS - 70_000;
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        for (let next = work.shift(); next; next = work.shift()) await next();
      }),
    );
    // The sets are made once for all names: the router of this test answers in the same thread.
    const missing = () => {
      const calls = new Set(router.started.flatMap(({ event, body }) => (event === undefined ? [body] : [])));
      const events = new Set(router.started.map(({ event }) => event));
      return names.filter((name) => !calls.has(name) || !events.has(`e${name}`));
    };
    await eventually("all ran", () => missing().length === 0, 60_000).catch((error) => {
      throw new Error(`${error.message}: ${missing().slice(0, 20)}\n${programs!.output}`);
    });
    await eventually("all were killed", () => programs!.killsLeft === 0);
    await programs.close();

    const runs = router.started.map(({ call, attempt }) => `${call} ${attempt}`);
    assert.equal(new Set(runs).size, runs.length, "no attempt ran twice");
    const byName = Map.groupBy(router.started, ({ event, body }) => event ?? body);
    const twice = [...byName].filter(([, runs]) => new Set(runs.map(({ call }) => call)).size > 1);
    assert.deepEqual(twice, [], "each call and event was stored once");
    for (const [name, id] of acknowledged) assert.equal(byName.get(name)![0]!.call, id);
    await checkTotals(store);

    /** Repeats the request until it is acknowledged, as a client does. */
    async function send(path: string, headers: Record<string, string>, body: string): Promise<unknown> {
      for (;;) {
        const url = programs!.url;
        const answer =
          url && (await fetch(`${url}${path}`, { method: "POST", headers, body }).catch(() => undefined));
        const document = answer && answer.status < 300 && (await answer.json().catch(() => undefined));
        if (document) {
          acknowledgements++;
          return document;
        }
        assert.ok(Date.now() < deadline, `no acknowledgement in time\n${programs!.output}`);
        await pause(20);
      }
    }
    async function call(name: string): Promise<void> {
      const { id } = (await send("/async/fn/hello/", { "idempotency-key": name }, name)) as { id: string };
      acknowledged.set(name, id);
    }
    async function event(name: string): Promise<void> {
      const attributes = {
        "ce-specversion": "1.0",
        "ce-type": "t",
        "ce-source": "/test",
        "ce-id": `e${name}`,
      };
      await send("/topic/orders", attributes, name);
    }
  }

  async function checkTotals(store: string): Promise<void> {
    const print = assert.fail;
    const database = store.startsWith("postgres:")
      ? new PostgresStore({ url: store, limits: limitsFromEnv({}), print })
      : new SqliteStore({ file: store, print });
    try {
      const totals = await database.calls.totals();
      // The last ones may have run without the end being stored: the programs were killed.
      for (const { queue, accepted, waiting, running, done, dead, cancelled } of totals) {
        assert.equal(accepted, CALLS, queue);
        assert.equal(accepted, waiting + running + done, queue);
        assert.deepEqual([waiting, dead, cancelled], [0, 0, 0], queue);
      }
      assert.deepEqual(
        totals.map(({ queue }) => queue),
        ["fn/hello", "sub/all"],
      );
    } finally {
      await database.close();
    }
  }
});
