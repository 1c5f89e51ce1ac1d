import { chmod, mkdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { stop } from "esbuild";
import type { Limits } from "../../platform/limits.ts";
import type { Bundle, Source } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { formatBytes, formatMs } from "../../platform/quantity.ts";
import { Semaphore } from "../../platform/semaphore.ts";
import { BundlerProcess } from "./bundler-process.ts";
import { ImportHosts } from "./import-hosts.ts";
import { inlineOutside } from "./inline-outside.ts";
import type { OutsideOptions } from "./outside-imports.ts";
import { listImports, type QuickBuild, quickBuild } from "./quick-build.ts";
import { readSourceFiles } from "./source.ts";

export interface Builder {
  /**
   * Makes the one module of a source, which imports nothing but `node:*`.
   * @throws Problem `build_failed` with the places of the errors, `invalid_source`, `source_too_large`,
   *   `no_capacity` if too many builds wait; the reason of `signal` if that aborts
   */
  build(source: Source, signal?: AbortSignal): Promise<Bundle>;
  /** Starts what the first build would wait for. */
  warm(): Promise<void>;
  /** Ends builds under way and stops the bundlers. */
  close(): Promise<void>;
}

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
}

/** Builds with outside imports at a time: each is a process that uses a core and some hundred MiB. */
const OUTSIDE_BUILDS = 2;
const OUTSIDE_BUILDS_WAITING = 100;
/** A source is in its bundle twice, the second time in the source map; the rest is for dependencies. */
const BUNDLE_PER_SOURCE = 4;

export function createBuilder(options: BuilderOptions): Builder {
  const { deno, limits, importHosts = [], env = process.env } = options;
  const hosts = new ImportHosts(importHosts);
  const slots = new Semaphore({
    places: OUTSIDE_BUILDS,
    waiting: { most: OUTSIDE_BUILDS_WAITING, refusal: tooManyBuilds },
  });
  const bundler = new BundlerProcess();
  const closing = new AbortController();
  const underWay = new Set<Promise<Bundle>>();
  const outputBytes = limits.sourceBytes * BUNDLE_PER_SOURCE;
  let folder: Promise<string> | undefined;

  const run = async (source: Source, signal: AbortSignal): Promise<Bundle> => {
    const files = await readSourceFiles(source, limits);
    const quick = await quickBuild(files, (specifier) => hosts.refuse(specifier));
    const code = quick.outside.size === 0 ? quick.code : await inline(quick, signal);
    await checkBundle(code, outputBytes);
    return { code: Buffer.from(code) };
  };

  const inline = async (quick: QuickBuild, signal: AbortSignal): Promise<string> => {
    folder ??= prepareFolder(options.directory);
    const directory = await folder.catch((error: unknown) => {
      folder = undefined;
      throw error;
    });
    const outside: OutsideOptions = { deno, directory, hosts, slots, outputBytes, env };
    return await inlineOutside(quick, outside, signal);
  };

  return {
    async build(source, signal) {
      const deadline = AbortSignal.timeout(limits.buildMs);
      const ended = AbortSignal.any([closing.signal, deadline, ...(signal ? [signal] : [])]);
      ended.throwIfAborted();
      const building = bundler.run(() => run(source, ended), ended);
      underWay.add(building);
      try {
        return await untilAborted(building, ended);
      } catch (error) {
        if (error !== deadline.reason || !deadline.aborted) throw error;
        throw new Problem(
          "build_failed",
          `The build took over ${formatMs(limits.buildMs)} (SKIFF_BUILD_TIMEOUT): import less, or raise the limit.`,
          { setting: "SKIFF_BUILD_TIMEOUT" },
        );
      } finally {
        building.then(
          () => underWay.delete(building),
          () => underWay.delete(building),
        );
      }
    },
    async warm() {
      await quickBuild(new Map([["main.ts", new TextEncoder().encode("export {};")]]), () => undefined);
    },
    async close() {
      const detail = "Skiff is shutting down; post the source again when it is back.";
      closing.abort(new Problem("draining", detail, { retryAfterS: 1 }));
      await stop();
      await Promise.allSettled(underWay);
    },
  };
}

function tooManyBuilds(): Problem {
  const detail = `${OUTSIDE_BUILDS_WAITING} builds wait already; try again in a few seconds.`;
  return new Problem("no_capacity", detail, { retryAfterS: 5 });
}

/** Rejects when `signal` aborts, even if `work` (esbuild cannot be interrupted) goes on for a while. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const leave = () => reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

async function prepareFolder(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const real = await realpath(directory);
  // Builds that a killed process left behind.
  await rm(join(real, "builds"), { recursive: true, force: true });
  await mkdir(join(real, "builds"), { recursive: true, mode: 0o700 });
  await mkdir(join(real, "deno"), { recursive: true, mode: 0o700 });
  return real;
}

async function checkBundle(code: string, mostBytes: number): Promise<void> {
  const bytes = Buffer.byteLength(code);
  if (bytes > mostBytes) {
    throw new Problem(
      "build_failed",
      `The bundle with its dependencies is ${formatBytes(bytes)}, over the limit of ${formatBytes(mostBytes)} (${BUNDLE_PER_SOURCE} times SKIFF_MAX_SOURCE); import less, or raise the limit.`,
      { setting: "SKIFF_MAX_SOURCE" },
    );
  }
  for (const { path, dynamic } of await listImports(code)) {
    if (path.startsWith("node:")) continue;
    // An optional package that a dependency looks for and does without: not found at run time either.
    if (dynamic && /^[\w@][^:]*$/.test(path)) continue;
    throw new Problem(
      "build_failed",
      `The import of "${path.slice(0, 200)}" could not be inlined: write it as a literal in an import statement of your own.`,
    );
  }
}
