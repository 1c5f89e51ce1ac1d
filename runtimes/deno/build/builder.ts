import { totalmem } from "node:os";
import { constrainedMemory } from "node:process";
import type { Limits } from "../../../platform/limits.ts";
import { SlowLane } from "../../../process/slow-lane.ts";
import { readAdapters } from "../../program/adapters/read-adapters.ts";
import type { Builder } from "../../runtime.ts";
import { type BuildFolder, prepareBuildFolder } from "../walls/build-folder.ts";
import { BuildMeter } from "../walls/build-meter.ts";
import type { ProcessesOptions } from "../walls/build-processes.ts";
import type { WallKind } from "../walls/build-wall.ts";
import { openBestWall } from "../walls/choose-wall.ts";
import { neverBegan, shuttingDown, tookTooLong } from "./build-problems.ts";
import { DenoCache } from "./deno-cache.ts";
import { ImportHosts } from "./import-hosts.ts";
import { Resolver } from "./resolver.ts";
import { becomesModule, recognizeSource } from "./source.ts";
import { type BuildMeans, buildSource } from "./source-build.ts";
import { unpackInWorker } from "./source-unpack.ts";
import { TaskRunner } from "./task-runner.ts";
import { FOLDER_PER_SOURCE } from "./tasks.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** Long builds at a time. */
const SLOW_PLACES = 32;
/** Memory that these may take together: that of four builds at their limit, but at most a part of the machine's. */
const SLOW_BUILDS_AT_LIMIT = 4;
const SLOW_PART_OF_MACHINE = 4;

/** Time and lines of the log for advice about a failed start, which can do without. */
const ADVICE_MS = 2_000;
const ADVICE_LINES = 50;
const ADVICE_CHARACTERS = 1_000;

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
  /** Prints one line if builds cannot be walled in on this machine. */
  readonly print?: (line: string) => void;
}

/** What builds need, once its folder is there and the wall that this machine has was found. */
interface Opened extends BuildMeans {
  readonly pool: WorkerPool;
  readonly cache: DenoCache;
}

interface Timed {
  readonly signal: AbortSignal;
  /** Called when a worker begins. */
  readonly onBegin: () => void;
}

/** Builds sources into modules and projects for Deno. */
export function createBuilder(options: BuilderOptions): Builder {
  const { limits } = options;
  const closing = new AbortController();
  const underWay = new Set<Promise<unknown>>();
  let preparing: Promise<BuildFolder> | undefined;
  let opening: Promise<Opened> | undefined;

  const prepare = (): Promise<BuildFolder> => {
    preparing ??= prepareBuildFolder(options.directory).catch((error: unknown) => {
      preparing = undefined;
      throw error;
    });
    return preparing;
  };
  const open = (): Promise<Opened> => {
    opening ??= openMeans(options, prepare).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };

  /** Runs work with the time of a build, which `close` ends. */
  const run = async <T>(
    work: (means: Opened, call: Timed) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> => {
    const deadline = AbortSignal.timeout(limits.buildMs);
    const ended = AbortSignal.any([closing.signal, deadline, ...(signal ? [signal] : [])]);
    ended.throwIfAborted();
    let hasBegun = false;
    const onBegin = () => {
      hasBegun = true;
    };
    const working = open().then((means) => work(means, { signal: ended, onBegin }));
    underWay.add(working);
    try {
      return await working;
    } catch (error) {
      if (error !== deadline.reason || !deadline.aborted) throw error;
      throw hasBegun ? tookTooLong(limits) : neverBegan(limits);
    } finally {
      underWay.delete(working);
    }
  };
  const folderBytes = FOLDER_PER_SOURCE * limits.sourceBytes;

  return {
    folderBytes,
    recognize: (bytes, { runtime, mostBytes = limits.sourceBytes } = {}) =>
      recognizeSource(bytes, { sourceBytes: mostBytes, runtime }),
    becomesModule,
    build: (source, { signal, ...orders } = {}) =>
      run((means, call) => buildSource(means, source, { orders, ...call }), signal),
    unpack: (source, signal) =>
      run(({ runner }, call) => unpackInWorker(runner, source, { mostBytes: folderBytes, ...call }), signal),
    async adviseStart({ kind, code }, log, signal) {
      if (kind !== "project") return undefined;
      const { runner } = await open();
      const ended = AbortSignal.any([closing.signal, signal, AbortSignal.timeout(ADVICE_MS)]);
      const { reply } = await runner.run({ task: { log: log.slice(0, ADVICE_LINES) }, source: code }, ended);
      if (reply.outcome !== "advice" || typeof reply.text !== "string") return undefined;
      return reply.text.slice(0, ADVICE_CHARACTERS);
    },
    async prepare() {
      await prepare();
    },
    async warm() {
      await (await open()).pool.warm();
    },
    async close() {
      closing.abort(shuttingDown());
      await Promise.allSettled([...underWay, preparing]);
      const opened = await opening?.catch(() => undefined);
      await opened?.pool.close();
      await opened?.cache.close();
    },
  };
}

/** @throws Error if the folder cannot be made or no worker starts */
async function openMeans(options: BuilderOptions, prepare: () => Promise<BuildFolder>): Promise<Opened> {
  const { limits, deno, importHosts = [], env = process.env, walls, print = () => {} } = options;
  const folder = await prepare();
  const hosts = new ImportHosts(importHosts);
  const shared: ProcessesOptions = { folder, limits, deno, env, importHosts: hosts.allowed };
  const meter = new BuildMeter();
  const { processes, pool } = await openBestWall(shared, { walls, meter, print });
  const slow = new SlowLane({ places: SLOW_PLACES, bytes: slowBytes(limits) });
  const cache = new DenoCache({ directory: folder.directory, mostBytes: limits.buildCacheBytes });
  await cache.open();
  return {
    pool,
    cache,
    runner: new TaskRunner({ pool, limits, meter, slow }),
    resolver: new Resolver({ processes, limits, meter, slow, cache, builds: folder.builds }),
    adapters: readAdapters(),
    taskLimits: { sourceBytes: limits.sourceBytes, artifactBytes: processes.artifactBytes },
  };
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
