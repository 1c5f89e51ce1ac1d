import { setTimeout } from "node:timers/promises";
import type { Draft, LogLine, Stored, Traffic } from "../platform.ts";
import { Problem } from "../problems.ts";
import { isDiskFull, shortageOf } from "../shortage.ts";
import { checkTraffic, shareOf } from "../traffic.ts";
import { type LocalFunction, removed, unknownVersion } from "./function.ts";
import { StartError } from "./instances/running-instance.ts";
import { instancesForShare } from "./scaling/scaling.ts";
import type { BundleFiles, VersionName } from "./store/bundle-files.ts";
import type { Store } from "./store/store.ts";

/** How long a removal waits for the instances; calls that take longer finish after it. */
const REMOVE_WAIT_MS = 1_000;
const NOTHING_CHANGED = { version: "The new version", end: "Nothing was changed." };

export interface ChangesOptions {
  readonly store: Store;
  readonly bundles: BundleFiles;
  /** Resolves when every router obeys the newest endpoints. */
  readonly spread: () => Promise<void>;
  readonly onLine: (name: string, line: LogLine) => void;
}

/**
 * Changes of functions: in the database first, then in memory. There is no queue. A version takes its number when it
 * begins, the database commits in the order in which it is asked, memory follows in that order, and a removal rejects
 * what is under way; the last commit is what holds.
 */
export class Changes {
  readonly #options: ChangesOptions;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  /** @param until ends it before it is committed */
  async store(fn: LocalFunction, draft: Draft, until: AbortSignal): Promise<Stored> {
    const { store, bundles } = this.#options;
    const { content, ...rest } = draft;
    const signal = AbortSignal.any([until, fn.ending]);
    signal.throwIfAborted();
    const runner = fn.begin({ ...rest, createdAt: new Date() });
    const { record } = runner;
    const release = fn.hold([record.version]);
    let isCommitted = false;
    try {
      if ("sameAs" in content) await this.#copyBundle(fn, content.sameAs, record);
      else await bundles.write(record, content.artifact);
      const started = await runner.bringUp(1, signal);
      let forget: readonly number[] = [];
      const commit = store.add(
        { ...record, content },
        { signal, forget: () => (forget = fn.toForget({ newest: record.version })) },
      );
      const left = await commit.catch(async (error: unknown) => {
        await runner.giveUp(started);
        // It was forgotten meanwhile, for a version that was stored before this one.
        if ("sameAs" in content) mustHave(fn, content.sameAs);
        throw error;
      });
      isCommitted = true;
      const created = !fn.isStored;
      const isOver = fn.isEnded || fn.ending.aborted;
      fn.added(runner, isOver ? [] : started, forget);
      this.#log(fn.name, left);
      // Of a platform that is closed it is stored nevertheless: the next start finds it.
      if (isOver) await runner.giveUp(started);
      if (fn.ending.aborted) throw removed(fn.name);
      return { name: fn.name, version: record.version, created };
    } catch (error) {
      if (!isCommitted) await fn.drop(runner);
      throw error instanceof StartError ? startFailed(error, NOTHING_CHANGED) : error;
    } finally {
      release();
    }
  }

  /** @param until ends it before it is committed */
  async route(fn: LocalFunction, traffic: Traffic, until: AbortSignal): Promise<void> {
    checkTraffic(traffic);
    const signal = AbortSignal.any([until, fn.ending]);
    signal.throwIfAborted();
    const release = fn.hold(traffic.map(({ version }) => version));
    try {
      await this.#bringUp(fn, traffic, signal);
      signal.throwIfAborted();
      const forget = fn.toForget({ traffic });
      this.#log(fn.name, await this.#options.store.route(fn.name, traffic, forget));
      fn.setTraffic(traffic, forget);
      if (fn.ending.aborted) throw removed(fn.name);
    } finally {
      release();
    }
    await this.#options.spread();
  }

  /** Removes a function; `forget` takes it out of memory. Its last calls may go on after it resolved. */
  async remove(fn: LocalFunction, forget: () => Promise<void>): Promise<void> {
    fn.beginRemoval();
    try {
      this.#log(fn.name, await this.#options.store.remove(fn.name));
    } catch (error) {
      fn.resume();
      throw error;
    }
    const ended = forget();
    await Promise.race([ended, setTimeout(REMOVE_WAIT_MS, undefined, { ref: false })]);
    await this.#options.spread();
    fn.log.close();
  }

  /** Each version gets the ready instances that its share of the calls needs now. */
  async #bringUp(fn: LocalFunction, traffic: Traffic, outer: AbortSignal): Promise<void> {
    const runners = await Promise.all(traffic.map(({ version }) => fn.runnerOf(version)));
    const serving = fn.serving;
    const failed = new AbortController();
    const signal = AbortSignal.any([outer, failed.signal]);
    const all = runners.map(async (runner) => {
      const share = shareOf(traffic, runner.record.version);
      const count = instancesForShare({ settings: runner.settings, share, ...serving });
      try {
        runner.take(await runner.bringUp(count, signal));
      } catch (error) {
        const outcome = { version: `Version ${runner.record.version}`, end: "The traffic was not changed." };
        const reason = error instanceof StartError ? startFailed(error, outcome) : error;
        failed.abort(reason);
        throw reason;
      }
    });
    // Waits for all: nothing may be started any more when the change has failed.
    await Promise.allSettled(all);
    await Promise.all(all);
  }

  /** Nothing starts the version any more: its file goes with its last instance. */
  async retire(record: VersionName): Promise<void> {
    this.#log(record.name, await this.#options.bundles.retire(record));
  }

  async #copyBundle(fn: LocalFunction, from: number, version: VersionName): Promise<void> {
    mustHave(fn, from);
    const { bundles } = this.#options;
    const known = fn.runner(from)?.record;
    const record = known ?? { name: fn.name, version: from };
    await bundles.copy(record, version);
    if (known === undefined) await this.retire(record);
  }

  /** Logs what could not be removed with a version or a function. */
  #log(name: string, text: string | undefined): void {
    if (text) this.#options.onLine(name, { at: new Date(), instance: "", stream: "platform", text });
  }
}

/** @throws Problem `unknown_version` */
function mustHave(fn: LocalFunction, version: number): void {
  if (!fn.versions.has(version)) throw unknownVersion(fn.name, version);
}

/** A full disk, or a system that has no file or process left, says nothing of the version. */
function startFailed(error: StartError, { version, end }: typeof NOTHING_CHANGED): Error {
  if (isDiskFull(error) || shortageOf(error) !== undefined) return error;
  const last = error.log.length > 0 ? ` Its last lines:\n${error.log.join("\n")}` : "";
  return new Problem("start_failed", `${version} ${error.message}. ${end}${last}`, { log: error.log });
}
