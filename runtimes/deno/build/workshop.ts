import { totalmem } from "node:os";
import { constrainedMemory } from "node:process";
import type { Limits } from "../../../platform/limits.ts";
import type { Bundle, Source } from "../../../platform/platform.ts";
import { SlowLane } from "../../../process/slow-lane.ts";
import { BuildMeter } from "../walls/build-meter.ts";
import { BuildProcesses, type ProcessesOptions } from "../walls/build-processes.ts";
import { prepareRoom } from "../walls/build-room.ts";
import type { WallKind } from "../walls/build-wall.ts";
import { knowsProcessTrees } from "../walls/process-tree.ts";
import { DenoBundler } from "./deno-bundler.ts";
import { DenoCache } from "./deno-cache.ts";
import { ImportHosts } from "./import-hosts.ts";
import { type BuildCall, buildSource } from "./source-build.ts";
import { TaskRunner } from "./task-runner.ts";
import type { TaskLimits } from "./tasks.ts";
import { WorkerPool } from "./worker-pool.ts";

/** Builds that take long, at a time. */
const SLOW_PLACES = 32;
/** Memory that these may take together: that of four builds at their limit, but no more than a part of the machine's. */
const SLOW_BUILDS_AT_LIMIT = 4;
const SLOW_PART_OF_MACHINE = 4;
const PROBE_MS = 10_000;

export interface BuilderOptions {
  /** Path of the Deno binary. */
  readonly deno: string;
  /** A folder of its own, for caches and for builds under way. Made if absent. */
  readonly directory: string;
  readonly limits: Limits;
  /** Hosts (`host` or `host:port`) that modules may be imported from besides Deno's own list. */
  readonly importHosts?: readonly string[];
  /** Environment from which proxies, certificates and registries are taken; by default the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Walls to try, the best one first; by default those that the system may have. */
  readonly walls?: readonly WallKind[];
  /** Takes one line if builds cannot be walled in on this machine. */
  readonly print?: (line: string) => void;
}

/** Everything that builds work with, once its folder is there and the machine has shown which wall it has. */
export interface Workshop {
  build(source: Source, call: BuildCall): Promise<Bundle>;
  warm(): Promise<void>;
  close(): Promise<void>;
}

/** @throws Error if the folder cannot be made or no worker starts */
export async function openWorkshop(options: BuilderOptions): Promise<Workshop> {
  const { limits, deno, importHosts = [], env = process.env, print = () => {} } = options;
  const room = await prepareRoom(options.directory);
  const hosts = new ImportHosts(importHosts);
  const shared: ProcessesOptions = { room, limits, deno, env, importHosts: hosts.allowed };
  const { processes, pool } = await behindTheBestWall(options.walls ?? systemWalls(), shared, print);
  const meter = new BuildMeter();
  const slow = new SlowLane({ places: SLOW_PLACES, bytes: slowBytes(limits) });
  const cache = new DenoCache({ directory: room.directory, mostBytes: limits.buildCacheBytes });
  await cache.open();
  const runner = new TaskRunner({ pool, limits, meter, slow });
  const bundler = new DenoBundler({ processes, limits, meter, slow, cache, builds: room.builds });
  const taskLimits: TaskLimits = {
    sourceBytes: limits.sourceBytes,
    outputBytes: processes.outputBytes,
    importHosts,
  };
  const directory = processes.wall === "none" ? room.directory : "";
  return {
    build: (source, call) => buildSource({ runner, bundler, taskLimits, directory }, source, call),
    warm: () => pool.warm(),
    async close() {
      await bundler.close();
      await pool.close();
      await cache.close();
    },
  };
}

function systemWalls(): readonly WallKind[] {
  return process.platform === "linux" ? ["bwrap", "unshare", "none"] : ["none"];
}

/** Tries one after the other, with the first worker: what it runs in is what all run in. */
async function behindTheBestWall(
  kinds: readonly WallKind[],
  shared: ProcessesOptions,
  print: (line: string) => void,
): Promise<{ processes: BuildProcesses; pool: WorkerPool }> {
  for (const kind of kinds) {
    const processes = new BuildProcesses(shared, kind);
    const pool = new WorkerPool(processes);
    try {
      if (kind !== "none") await probe(processes);
      await pool.warm();
    } catch (error) {
      await pool.close();
      if (kind === kinds.at(-1)) throw error;
      continue;
    }
    tellWhatIsMissing(kind, print);
    return { processes, pool };
  }
  throw new Error("there is no way to start a build");
}

/** @throws Error if the wall of Deno's runs cannot be had */
async function probe(processes: BuildProcesses): Promise<void> {
  const started = processes.startProbe();
  const timer = setTimeout(() => started.kill(), PROBE_MS);
  const exit = await started.ended.finally(() => clearTimeout(timer));
  if (exit !== 0) throw new Error(`${processes.wall} ended with ${exit}: ${started.stderr}`);
}

function tellWhatIsMissing(kind: WallKind, print: (line: string) => void): void {
  const missing = [
    ...(kind === "none" ? ["namespaces (neither bwrap nor unshare works here)"] : []),
    ...(process.platform === "linux" && knowsProcessTrees() ? [] : ["samples of their memory"]),
  ];
  if (missing.length === 0) return;
  print(`builds run without ${missing.join(" and ")}; their time, heap and permission limits hold`);
}

function slowBytes({ buildMemoryBytes }: Limits): number {
  const constrained = constrainedMemory();
  // Without a limit the system gives 0, or a number beyond every memory.
  const machine = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.max(
    buildMemoryBytes,
    Math.min(SLOW_BUILDS_AT_LIMIT * buildMemoryBytes, machine / SLOW_PART_OF_MACHINE),
  );
}
