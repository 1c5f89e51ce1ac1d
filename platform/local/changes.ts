import { setTimeout } from "node:timers/promises";
import { checkPins } from "../pins.ts";
import type { Draft, LogLine, RouteRules, Stored, Traffic } from "../platform.ts";
import { checkPrecondition } from "../precondition.ts";
import { Problem } from "../problems.ts";
import { isDiskFull, shortageOf } from "../shortage.ts";
import { checkTraffic, historyAfter, shareOf } from "../traffic.ts";
import { type LocalFunction, removed, unknownVersion } from "./function.ts";
import { StartError } from "./instances/running-instance.ts";
import { instancesForShare } from "./scaling/scaling.ts";
import type { BundleFiles, VersionName } from "./store/bundle-files.ts";
import type { Store } from "./store/store.ts";

/** Longest wait of a removal for the instances. Longer calls finish after it. */
const REMOVE_WAIT_MS = 1_000;

export interface ChangesOptions {
  readonly store: Store;
  readonly bundles: BundleFiles;
  /** Resolves when every router uses the newest endpoints. */
  readonly spread: () => Promise<void>;
  readonly onLine: (name: string, line: LogLine) => void;
  /** Called when stored versions are gone. */
  readonly onForgotten: () => void;
}

/**
 * Changes functions, in the database first and then in memory. Only commits of the traffic wait for each other: a version
 * gets its number when its change begins, and the last commit holds. The database commits in the order of its requests,
 * and memory follows in that order. A removal rejects the changes under way.
 */
export class Changes {
  readonly #options: ChangesOptions;

  constructor(options: ChangesOptions) {
    this.#options = options;
  }

  /** @param until cancels the change before its commit */
  async store(fn: LocalFunction, draft: Draft, until: AbortSignal): Promise<Stored> {
    const { store, bundles } = this.#options;
    const { content, note = { by: "unknown" }, expected, ...rest } = draft;
    const signal = AbortSignal.any([until, fn.ending]);
    signal.throwIfAborted();
    checkPrecondition(fn.name, expected, fn.currentVersion);
    const sourceBytes = "sameAs" in content ? undefined : content.source.bytes.byteLength;
    const runner = fn.begin({ ...rest, note, sourceBytes, pinned: false, createdAt: new Date() });
    const { record } = runner;
    const release = fn.hold([record.version]);
    let isCommitted = false;
    try {
      if ("sameAs" in content) await this.#copyBundle(fn, content.sameAs, record);
      else await bundles.write(record, content.artifact);
      const started = await runner.bringUp(1, signal);
      let forget: readonly number[] = [];
      const toForget = () => (forget = fn.toForget({ newest: record.version }));
      const commit = store.add({ ...record, content }, signal, toForget);
      const left = await commit.catch(async (error: unknown) => {
        await runner.supply.giveUp(started);
        // The commit of another version may have forgotten it.
        if ("sameAs" in content) fn.mustHave(content.sameAs);
        throw error;
      });
      isCommitted = true;
      const created = !fn.isStored;
      const isOver = fn.isEnded || fn.ending.aborted;
      fn.added(runner, isOver ? [] : started, forget);
      if (forget.length > 0) this.#options.onForgotten();
      this.#log(fn.name, left);
      // A closed platform has stored the version. The next start finds it.
      if (isOver) await runner.supply.giveUp(started);
      if (fn.ending.aborted) throw removed(fn.name);
      return { name: fn.name, version: record.version, created };
    } catch (error) {
      if (!isCommitted) await fn.drop(runner);
      throw toProblem(error, { version: "The new version", result: "Nothing was changed." });
    } finally {
      release();
    }
  }

  /** @param until cancels the change before its commit */
  async route(
    fn: LocalFunction,
    { traffic, rules: { expected, ...rules } }: { traffic: Traffic; rules: RouteRules },
    until: AbortSignal,
  ): Promise<void> {
    checkTraffic(traffic);
    const signal = AbortSignal.any([until, fn.ending]);
    signal.throwIfAborted();
    const release = fn.hold(traffic.map(({ version }) => version));
    try {
      checkPrecondition(fn.name, expected, fn.versions.current);
      await this.#bringUp(fn, traffic, signal);
      await fn.inOrder(async () => {
        signal.throwIfAborted();
        checkPrecondition(fn.name, expected, fn.versions.current);
        const forget = fn.toForget({ traffic });
        const route = { ...historyAfter(fn.versions.route, traffic), rules };
        this.#log(fn.name, await this.#options.store.route(fn.name, route, forget));
        fn.setRoute(route, forget);
        if (forget.length > 0) this.#options.onForgotten();
      });
      if (fn.ending.aborted) throw removed(fn.name);
    } finally {
      release();
    }
    await this.#options.spread();
  }

  async pin(fn: LocalFunction, version: number, isPinned: boolean): Promise<void> {
    fn.mustHave(version);
    checkPins(fn.versions.pinned, { version, isPinned, most: fn.mostPinned });
    const release = fn.hold([version]);
    try {
      // A commit that was requested before may forget the version.
      if (!(await this.#options.store.pin(fn.name, version, isPinned)))
        throw unknownVersion(fn.name, version);
      fn.versions.pin(version, isPinned);
    } finally {
      release();
    }
  }

  /** Removes a function; `forget` deletes it from memory. Its last calls may continue after that. */
  async remove(fn: LocalFunction, forget: () => Promise<void>): Promise<void> {
    fn.beginRemoval();
    try {
      this.#log(fn.name, await this.#options.store.remove(fn.name));
    } catch (error) {
      fn.resume();
      throw error;
    }
    this.#options.onForgotten();
    const ended = forget();
    await Promise.race([ended, setTimeout(REMOVE_WAIT_MS, undefined, { ref: false })]);
    await this.#options.spread();
    fn.log.close();
  }

  /** Starts the instances that each version needs for its share of the calls. */
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
        const version = `Version ${runner.record.version}`;
        const reason = toProblem(error, { version, result: "The traffic was not changed." });
        failed.abort(reason);
        throw reason;
      }
    });
    // A failed change resolves after all starts have ended.
    await Promise.allSettled(all);
    await Promise.all(all);
  }

  /** Removes the file of a version after its last instance has ended. */
  async retire(record: VersionName): Promise<void> {
    this.#log(record.name, await this.#options.bundles.retire(record));
  }

  async #copyBundle(fn: LocalFunction, from: number, version: VersionName): Promise<void> {
    fn.mustHave(from);
    const known = fn.runner(from)?.record;
    const record = known ?? { name: fn.name, version: from };
    await this.#options.bundles.copy(record, version);
    if (known === undefined) await this.retire(record);
  }

  /** Logs which data a removal left, if any. */
  #log(name: string, text: string | undefined): void {
    if (text) this.#options.onLine(name, { at: new Date(), instance: "", stream: "platform", text });
  }
}

/** Makes a problem of a failed start. A shortage of the machine and other errors stay as they are. */
function toProblem(error: unknown, { version, result }: { version: string; result: string }): unknown {
  if (!(error instanceof StartError) || isDiskFull(error) || shortageOf(error) !== undefined) return error;
  const last = error.log.length > 0 ? ` Its last lines:\n${error.log.join("\n")}` : "";
  const end = /[?.]$/.test(error.message) ? "" : ".";
  return new Problem("start_failed", `${version} ${error.message}${end} ${result}${last}`, {
    log: error.log,
  });
}
