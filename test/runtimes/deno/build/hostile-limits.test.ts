import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { Problem } from "../../../../platform/problems.ts";
import { processTree } from "../../../../process/proc/process-tree.ts";
import { SmallFiles } from "../../../../process/proc/small-files.ts";
import { createBuilder } from "../../../../runtimes/deno/build/builder.ts";
import { recognizeSource } from "../../../../runtimes/deno/build/source.ts";
import { denoPath } from "../../../../runtimes/deno/deno-binary.ts";
import type { WallKind } from "../../../../runtimes/deno/walls/build-wall.ts";
import type { Builder } from "../../../../runtimes/runtime.ts";
import { eventually } from "../../../support/eventually.ts";
import { needsLinux } from "../../../support/not-tried.ts";
import { longestBusyMs } from "../../../support/processor/busy-time.ts";
import { LoopProbe } from "../../../support/processor/loop-probe.ts";
import { partOfDay } from "../../../support/selection/part-of-day.ts";
import { needsWall } from "../../../support/skiff/walls.ts";
import { ALL_HOSTILE } from "./hostile-sources.ts";

const MIB = 1024 ** 2;
const BUILD_MS = 3_000;
const limits = { ...limitsFromEnv({}), buildMs: BUILD_MS };
/** A build that is out of time is killed, and its end awaited: on a machine that does much else this takes a while. */
const MOST_MS = BUILD_MS + 20_000;
/** Of a source, in bytes. */
const LARGEST = 20 * MIB;
/** Memory is looked at every 50 ms, and grows meanwhile. */
const MOST_BYTES = 1.25 * limits.buildMemoryBytes;
const AT_ONCE = 4;

interface Outcome {
  readonly ms: number;
  /** Undefined: it was built. */
  readonly error: unknown;
}

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const files = new SmallFiles();
const treeOf = (pid: number) => processTree(files, pid, { most: 10_000, ofAllThreads: true });

const ALL_NAMES = Object.entries(ALL_HOSTILE).flatMap(([kind, all]) =>
  Object.keys(all).map((_, index) => `${kind}-${index}`),
);
const TAKEN = new Set(partOfDay(ALL_NAMES, 2));

describe("hostile sources", function () {
  this.timeout(600_000);
  let folder: string;
  let builder: Builder;
  let longestTurnMs = 0;
  let copyMs = 0;
  let mostBytes = 0;
  const outcomes = new Map<string, Outcome>();

  const build = async (bytes: Uint8Array, by = builder): Promise<Outcome> => {
    const startedAtMs = performance.now();
    const ended = (error?: unknown) => ({ ms: performance.now() - startedAtMs, error });
    try {
      await by.build(recognizeSource(bytes, limits));
      return ended();
    } catch (error) {
      return ended(error);
    }
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "skiff-hostile-"));
    const writing = [program("write-hostile-sources.ts"), folder];
    await promisify(execFile)(process.execPath, writing, { timeout: 120_000 });
    builder = createBuilder({ deno: denoPath(), directory: join(folder, "builder"), limits });
    await builder.warm();
    const watching = watchMemory();
    // Of code that runs for the first time the engine has more to do.
    for (let n = 0; n < 20; n++) await build(Buffer.from(`export default ${n};`));
    await eventually("the start of the watch", () => watching.child.pid !== undefined);
    copyMs = await longestBusyMs(copyLargest);
    const probe = new LoopProbe();
    const names = [...TAKEN];
    const work = async () => {
      for (let name = names.shift(); name !== undefined; name = names.shift()) {
        outcomes.set(name, await build(await readFile(join(folder, name))));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    longestTurnMs = probe.read();
    probe.close();
    copyMs = Math.max(copyMs, await longestBusyMs(copyLargest));
    mostBytes = await watching.most();
    if (process.env.FIGURES) console.log({ longestTurnMs, copyMs, mostMiB: mostBytes / MIB });
  });
  after(async () => {
    await builder.close();
    await rm(folder, { recursive: true });
  });

  for (const [kind, sources] of Object.entries(ALL_HOSTILE)) {
    describe(kind, () => {
      for (const [index, name] of Object.keys(sources).entries()) {
        if (!TAKEN.has(`${kind}-${index}`)) continue;
        it(`ends in time: ${name}`, () => {
          const { ms, error } = outcomes.get(`${kind}-${index}`)!;
          assert.ok(ms < MOST_MS, `took ${Math.round(ms)} ms`);
          if (error !== undefined) checkProblem(error);
        });
      }
    });
  }

  it("are many", () => {
    assert.ok(ALL_NAMES.length >= 80, `${ALL_NAMES.length}`);
    const killed = [...outcomes.values()].filter(({ error }) =>
      /SKIFF_BUILD_(MEMORY|TIMEOUT)/.test(String(error)),
    );
    assert.ok(killed.length >= TAKEN.size / 5, `${killed.length} of them met a limit`);
  });

  // To parse one of them takes seconds of the processor, to copy it a fraction of one.
  it("keep the process that answers calls no longer than a few copies of the largest source", () => {
    assert.ok(longestTurnMs > 0);
    assert.ok(longestTurnMs <= 4 * copyMs, `one turn took ${longestTurnMs} ms, a copy ${copyMs} ms`);
  });

  it("take the memory of a build at most", function () {
    needsLinux(this, "the memory and children of processes in /proc");
    // On a slow machine the time may be up first.
    assert.ok(mostBytes > 16 * MIB, `${mostBytes / MIB} MiB: it was not looked at`);
    assert.ok(mostBytes < MOST_BYTES, `one took ${mostBytes / MIB} MiB`);
  });

  it("leave no folder, and harm no later build", async () => {
    assert.deepEqual(await readdir(join(folder, "builder", "builds")), []);
    assert.equal((await build(Buffer.from("export default 1;"))).error, undefined);
  });

  for (const kind of ["unshare", "none"] satisfies WallKind[]) {
    it(`meet the same limits with the wall "${kind}"`, async function () {
      if (kind !== "none") needsWall(this, kind);
      needsLinux(this, "the memory and children of processes in /proc");
      const directory = join(folder, kind);
      const other = createBuilder({ deno: denoPath(), directory, limits, walls: [kind] });
      await other.warm();
      const some: readonly [string, string, RegExp][] = [
        ["nested", "blocks", /SKIFF_BUILD_(MEMORY|TIMEOUT)/],
        ["long", "scopes that each shadow a name", /SKIFF_BUILD_TIMEOUT/],
        ["long", "an enum whose text doubles", /SKIFF_BUILD_(MEMORY|TIMEOUT)/],
      ];
      for (const [group, name, expected] of some) {
        const index = Object.keys(ALL_HOSTILE[group]!).indexOf(name);
        const { ms, error } = await build(await readFile(join(folder, `${group}-${index}`)), other);
        assert.match(String(error), expected, name);
        assert.ok(ms < MOST_MS, `${name} took ${Math.round(ms)} ms`);
      }
      await other.close();
    });
  }

  it("leave no process once the builder is closed", async function () {
    needsLinux(this, "the memory and children of processes in /proc");
    const own = createBuilder({ deno: denoPath(), directory: join(folder, "own"), limits });
    const before = new Set(treeOf(process.pid));
    const started = () => treeOf(process.pid).filter((pid) => !before.has(pid));
    const index = Object.keys(ALL_HOSTILE.long!).indexOf("scopes that each shadow a name");
    const bytes = await readFile(join(folder, `long-${index}`));
    const building = Array.from({ length: 3 }, () => build(bytes, own));
    await eventually("their processes", () => started().length >= 6);
    const pids = started();
    await own.close();
    for (const { error } of await Promise.all(building)) assert.match(String(error), /draining/);
    // Their files are closed and they are dead; the system needs a moment to take them off its list.
    await eventually("the end of all", () => pids.flatMap(treeOf).length === 0);
  });
});

/** Copies as many bytes as a source may have, in one turn, into memory that the process has to get first. */
async function copyLargest(): Promise<void> {
  new Uint8Array(LARGEST).set(new Uint8Array(LARGEST).fill(120));
}

function checkProblem(error: unknown): void {
  assert.ok(error instanceof Problem, `not a problem: ${String(error)}`);
  assert.ok(["build_failed", "invalid_source", "source_too_large"].includes(error.code), error.message);
  assert.ok(error.detail.length < 8_000, `a detail of ${error.detail.length} characters`);
}

/** Looks at the memory of builds from a process of its own, for looking is work as well. */
function watchMemory(): { child: ChildProcess; most(): Promise<number> } {
  const child = spawn(process.execPath, [program("watch-memory.ts"), String(process.pid)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => {
    printed += chunk;
  });
  return {
    child,
    async most(): Promise<number> {
      child.stdin.end();
      await new Promise((resolve) => child.once("close", resolve));
      return Number(printed);
    },
  };
}
