import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FLOW_KIND } from "../../../platform/flows/kinds.ts";
import type { AttemptOf, Entry } from "../../../platform/flows/run/entry.ts";
import { SqliteStore } from "../../../store/sqlite/sqlite-store.ts";
import type { FlowStore } from "../../../store/store.ts";
import { PostgresHarness } from "../../store/postgres/open-store.ts";
import { eventually } from "../../support/eventually.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";
import { CalledFunctions } from "./called-functions.ts";
import { MortalProgram, type MortalProgramOptions } from "./mortal-program.ts";

const ORDER = `
steps:
  check: {fn: add, with: "\${ input.n }"}
  charge: {fn: add, with: "\${ steps.check.output }", needs: [check]}
  reserve: {fn: flaky, with: "\${ steps.check.output }", needs: [check], retry: {attempts: 3, backoff: 1ms}}
  rows: {fn: add, each: "[1, 2]", with: "\${ item }", needs: [charge, reserve]}
  pause: {wait: 1ms, needs: [rows]}
  ship: {flow: shipping, with: {n: "\${ steps.reserve.output }"}, needs: [pause]}
  note: {publish: shipped, with: {n: "\${ steps.ship.output }"}, needs: [ship]}
finally:
  free: {fn: add, with: 100}
output: "\${ [steps.rows.output, steps.ship.output] }"
`;
const SHIPPING = `
steps:
  pack: {fn: add, with: "\${ input.n }"}
`;
/** More than a life without a crash has; the test fails if it is ever reached. */
const MOST_MOMENTS = 500;
/** PostgreSQL is slower: by default every third moment there. */
const EVERY = Number(process.env.SKIFF_CRASH_EVERY ?? 3);

interface Lived {
  readonly run: string;
  readonly moments: "all" | "some";
  /** Keys of attempts whose results were stored when the program died. */
  readonly completed: readonly string[];
}

/** Registers the test for a store. */
function crashes(
  open: () => Promise<FlowStore>,
  { isShared, every }: { isShared: boolean; every: number },
): void {
  let store: FlowStore;
  let platform: FakePlatform;
  let options: MortalProgramOptions;
  const programs: MortalProgram[] = [];
  const lines: string[] = [];

  before(async () => {
    store = await open();
    platform = new FakePlatform();
    await platform.declarations.put(FLOW_KIND, "order", { spec: { source: ORDER } });
    await platform.declarations.put(FLOW_KIND, "shipping", { spec: { source: SHIPPING } });
  });
  beforeEach(() => {
    options = {
      store,
      platform,
      isShared,
      functions: new CalledFunctions(),
      print: (line) => lines.push(line),
    };
  });
  after(() => Promise.all(programs.map((program) => program.close())));

  /** Runs a flow in a program that dies at the given moment, and then in one that lives. */
  const live = async (at: number): Promise<Lived> => {
    const key = `key ${at}`;
    const first = await MortalProgram.start(options, at);
    programs.push(first);
    const begun = first.begin("order", { n: 1 }, key);
    const ended = begun.then(async (id) => await ending(id));
    await Promise.race([first.death, ended]);
    if (!first.isDead) return { run: await begun, moments: "some", completed: [] };
    const completed = await completedKeys();
    const second = await MortalProgram.start(options, Number.POSITIVE_INFINITY);
    const run = await second.begin("order", { n: 1 }, key);
    await ending(run);
    // It must not take the runs of the next program.
    await second.close();
    return { run, moments: "all", completed };
  };

  const ending = async (run: string): Promise<void> => {
    const hasEnded = async () => (await store.runs.get(run))?.endedAt !== undefined;
    await eventually("the run ends", hasEnded, 2_000).catch(async (error: Error) => {
      const entries = (await store.runs.entries(run, 1, 1_000)).map((entry) => JSON.stringify(entry));
      throw new Error([error.message, ...entries, ...lines].join("\n"));
    });
  };

  const completedKeys = async (): Promise<readonly string[]> => {
    const runs = await store.runs.list({ limit: 2 });
    const all = await Promise.all(
      runs.map(async ({ id }) => keysOf(id, await store.runs.entries(id, 0, 1_000))),
    );
    return all.flat();
  };

  it("goes on right wherever the program dies, and calls no function again whose result was stored", async () => {
    let moments = 0;
    for (let at = 0; ; at += every) {
      assert.ok(at < MOST_MOMENTS, "it ends");
      options = { ...options, functions: new CalledFunctions() };
      const { seen } = options.functions;
      const lived = await live(at);
      const entries = await store.runs.entries(lived.run, 0, 1_000);
      const what = `moment ${at}\n${entries.map((entry) => JSON.stringify(entry)).join("\n")}`;
      const last = entries.at(-1)!;
      assert.deepEqual(
        last.kind === "ended" && last.state === "done" && last.output,
        { json: [[2, 3], 4] },
        what,
      );
      for (const [attempt, count] of seen) {
        const most = lived.completed.includes(attempt) ? 1 : 2;
        assert.ok(count <= most, `${attempt} had ${count} calls, ${what}`);
      }
      const twice = [...seen.values()].filter((count) => count > 1).length;
      assert.ok(twice <= 2, what);
      assert.equal(new Set(keysOf(lived.run, entries)).size, keysOf(lived.run, entries).length, what);
      assert.equal((await store.runs.list({ parent: lived.run, limit: 9 })).length, 1, what);
      moments++;
      if (lived.moments === "some") break;
    }
    assert.ok(moments > 20 / every, `${moments} moments`);
    const { length: runs } = await store.runs.list({ flow: "order", limit: 1_000 });
    assert.equal(runs, moments);
    const [topic] = await store.topics.stats();
    assert.equal(topic!.end, moments);
  }).timeout(120_000);
}

/** Idempotency keys of the attempts that have a result. */
function keysOf(run: string, entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) =>
    entry.kind === "done" || entry.kind === "failed" ? [`${run}.${placeOf(entry)}`] : [],
  );
}

function placeOf({ step, item, attempt }: AttemptOf): string {
  return [step, ...(item === undefined ? [] : [item]), attempt].join(".");
}

describe("an engine of flows that is killed", () => {
  describe("on SQLite", () => {
    const folder = mkdtempSync(join(tmpdir(), "skiff-crash-"));
    const store = new SqliteStore({ file: join(folder, "history.db"), print: assert.fail });
    after(async () => {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    });
    crashes(async () => store, { isShared: false, every: 1 });
  });

  describe("on PostgreSQL", () => {
    const harness = new PostgresHarness();
    after(() => harness.dispose());
    crashes(() => harness.open(), { isShared: true, every: EVERY });
  });
});
