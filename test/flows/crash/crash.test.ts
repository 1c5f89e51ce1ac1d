import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FLOW_KIND } from "../../../platform/flows/kinds.ts";
import type { AttemptOf, Entry } from "../../../platform/flows/run/entry.ts";
import { SqliteStore } from "../../../store/sqlite/sqlite-store.ts";
import type { FlowStore } from "../../../store/store.ts";
import { event } from "../../store/conformance/events.ts";
import { PostgresHarness } from "../../store/postgres/open-store.ts";
import { eventually } from "../../support/eventually.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";
import { CalledFunctions } from "./called-functions.ts";
import { MortalProgram, type MortalProgramOptions, type Stop } from "./mortal-program.ts";

const ORDER = `
steps:
  check: {fn: add, with: "\${ input.n }"}
  charge: {fn: add, with: "\${ steps.check.output }", needs: [check]}
  reserve: {fn: flaky, with: "\${ steps.check.output }", needs: [check], retry: {attempts: 3, backoff: 1ms}}
  paid: {wait: {event: payments, by: event.data.key, equals: input.key, timeout: 1m}, needs: [charge]}
  rows: {fn: add, each: "[1, 2]", with: "\${ item }", needs: [paid, reserve]}
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
/** All moments take long on a busy machine: deaths on SQLite have all of them, the others every fourth. */
const EVERY = Number(process.env.SKIFF_CRASH_EVERY ?? 4);

/** The identity of a program that another takes for dead. */
const FIRST = "first";

interface Lived {
  readonly run: string;
  /** It stopped before the run ended. */
  readonly hasStopped: boolean;
  /** Keys of attempts whose results were stored then. */
  readonly completed: readonly string[];
}

interface Death extends Stop {
  /** It only seemed to be dead: it goes on beside the other. */
  readonly isRevived: boolean;
}

interface Rounds {
  readonly isShared: boolean;
  /** Every which moment is tried. */
  readonly every: number;
}

/** Registers the tests for a store. */
function crashes(open: () => Promise<FlowStore>, { isShared, every }: Rounds): void {
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

  /** Runs a flow in a program that stops at the given moment, for good or until another goes on, and then in one that lives. */
  const live = async ({ isRevived, ...stop }: Death): Promise<Lived> => {
    const key = `key ${stop.at} ${stop.stopsCalls}`;
    const input = { n: 1, key };
    const first = await MortalProgram.start({ ...options, ...(isRevived && { identity: FIRST }) }, stop);
    programs.push(first);
    const begin = async (program: MortalProgram) => {
      const run = await program.begin("order", input, key);
      await pay(key);
      return run;
    };
    const begun = begin(first);
    const ended = begun.then(async (id) => await ending(id));
    await Promise.race([first.point.reached, ended]);
    if (!first.point.isStopped) return { run: await begun, hasStopped: false, completed: [] };
    const completed = await completedKeys();
    // As an engine does, once, with the runs of one that it takes for dead.
    if (isRevived) await store.runs.free({ of: { prefix: `${FIRST}/` }, now: Date.now(), limit: 99 });
    const second = await MortalProgram.start(options);
    if (isRevived) first.point.goOn();
    const run = await begin(second);
    await ending(run);
    // Whoever lives must not take the runs of the next ones.
    await Promise.all([second.close(), ...(first.point.isStopped ? [] : [first.close()])]);
    return { run, hasStopped: true, completed };
  };

  /** Publishes the event that the run waits for, after it began. */
  const pay = async (key: string) => {
    const data = { inline: Buffer.from(JSON.stringify({ key })) };
    const attributes = { datacontenttype: "application/json" };
    await store.topics.publish([event({ topic: "payments", id: key, data, attributes })], Date.now());
  };

  const ending = async (run: string): Promise<void> => {
    const hasEnded = async () => (await store.runs.get(run))?.endedAt !== undefined;
    await eventually("the run ends", hasEnded, 60_000).catch(async (error: Error) => {
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

  const check = async ({ run, completed }: Lived, seen: ReadonlyMap<string, number>): Promise<void> => {
    const entries = await store.runs.entries(run, 0, 1_000);
    const what = entries.map((entry) => JSON.stringify(entry)).join("\n");
    const last = entries.at(-1)!;
    assert.deepEqual(
      last.kind === "ended" && last.state === "done" && last.output,
      { json: [[2, 3], 4] },
      what,
    );
    for (const [attempt, count] of seen)
      assert.ok(count <= (completed.includes(attempt) ? 1 : 2), `${attempt} had ${count} calls\n${what}`);
    // At most the two that run side by side were under way.
    assert.ok([...seen.values()].filter((count) => count > 1).length <= 2, what);
    const results = keysOf(run, entries);
    assert.equal(new Set(results).size, results.length, what);
    assert.equal((await store.runs.list({ parent: run, limit: 9 })).length, 1, what);
  };

  /** Returns how many moments there were. */
  const everyMoment = async ({ every, ...of }: Omit<Death, "at"> & Pick<Rounds, "every">) => {
    let moments = 0;
    for (let at = 0; ; at += every) {
      assert.ok(at < MOST_MOMENTS, "it ends");
      options = { ...options, functions: new CalledFunctions() };
      const lived = await live({ at, ...of });
      await check(lived, options.functions.seen).catch((error: Error) => {
        throw new Error(`moment ${at}: ${error.message}`, { cause: error });
      });
      moments++;
      if (!lived.hasStopped) break;
    }
    assert.ok(moments > 20 / every, `${moments} moments`);
    const runs = await store.runs.list({ flow: "order", limit: 1_000 });
    const shipped = (await store.topics.stats()).find(({ topic }) => topic === "shipped");
    assert.equal(shipped!.end, runs.length);
    return moments;
  };

  it("goes on right wherever the program dies, and calls no function again whose result was stored", async () => {
    await everyMoment({ stopsCalls: true, every, isRevived: false });
  }).timeout(240_000);

  it("goes on right beside a program that only seemed to be dead", async () => {
    // Both are there: they learn of each other's changes by looking.
    options = { ...options, isShared: true };
    await everyMoment({ every: EVERY, isRevived: true });
  }).timeout(240_000);
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
