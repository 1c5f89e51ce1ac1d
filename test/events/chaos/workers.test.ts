import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../../support/eventually.ts";
import { sharedPostgres } from "../../support/postgres.ts";
import { type OpenEvents, openEvents } from "./open-events.ts";
import { RecordingRouter, type Run } from "./recording-router.ts";

/** Workers of others are taken for dead after 30 s: the judged figure is above that. */
const SLOW_MS = Number(process.env.SKIFF_CHAOS_SLOW_MS ?? 2_000);

describe("workers of events", function () {
  this.timeout(60_000 + 2 * SLOW_MS);
  let router: RecordingRouter | undefined;
  let programs: OpenEvents[] = [];
  const folder = mkdtempSync(join(tmpdir(), "skiff-workers-"));

  afterEach(async () => {
    await Promise.all(programs.map((program) => program.close()));
    programs = [];
    router?.close();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const open = async (store: string, { run, count }: { run: Run; count: number }) => {
    router = await RecordingRouter.start(run);
    const options = { store, router: router.url, isShared: count > 1, print: assert.fail };
    for (let program = 0; program < count; program++) programs.push(await openEvents(options));
    return router;
  };
  const enqueue = async (count: number) => {
    for (let name = 0; name < count; name++) {
      const { url } = programs[name % programs.length]!;
      const response = await fetch(`${url}/async/fn/hello/`, { method: "POST", body: String(name) });
      assert.equal(response.status, 202);
    }
  };
  const done = async (count: number) => {
    const done = () => programs[0]!.store.calls.list({ states: ["done"], limit: 1_000 });
    await eventually("all are done", async () => (await done()).length === count, 30_000 + SLOW_MS);
    return await done();
  };

  it("of three programs start 8 calls of a slow function 8 times", async () => {
    const run: Run = async () => {
      await pause(SLOW_MS);
      return [200, {}];
    };
    const store = await (await sharedPostgres()).newDatabase();
    const { started } = await open(store, { run, count: 3 });
    await enqueue(8);
    await done(8);
    assert.deepEqual(
      started.map(({ body, attempt }) => `${body} ${attempt}`).sort(),
      Array.from({ length: 8 }, (_, name) => `${name} 1`),
    );
  });

  it("spend no attempt on a function that is at its limit for long", async () => {
    let running = 0;
    let refused = 0;
    const run: Run = async () => {
      if (running === 2) {
        refused++;
        return [503, { "x-skiff-error": "platform", "x-skiff-unforwarded": "true" }];
      }
      running++;
      await pause(30);
      running--;
      return [200, {}];
    };
    const { started } = await open(join(folder, "history.db"), { run, count: 1 });
    await enqueue(60);
    const records = await done(60);
    assert.ok(refused > 5, `${refused} were refused`);
    assert.equal(started.length, 60);
    assert.deepEqual([...new Set(records.map(({ attempts }) => attempts.length))], [1]);
  });
});
