import {
  complete,
  isSameVersion,
  isServing,
  type Published,
  publish,
  unchanged,
} from "../../platform/deploying.ts";
import type { Limits } from "../../platform/limits.ts";
import type { Draft, Platform, Source, VersionRecord } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { applySettings, defaultSettings, type SettingsPatch } from "../../platform/settings.ts";
import { sourceHash, versionHash } from "../../platform/version-hash.ts";
import { FastLane } from "../../process/fast-lane.ts";
import { type Attempt, SlowLane } from "../../process/slow-lane.ts";
import type { Builder } from "../../runtimes/runtime.ts";
import { DeployTurns } from "./deploy-turns.ts";

const DEPLOYS_IN_ALL = 1_000;
const DEPLOYS_WAITING_PER_NAME = 20;
/** Sources of the largest size whose memory all deploys may hold together, and all that wait. */
const SOURCES_IN_ALL = 32;
const SOURCES_WAITING = 16;
/** Versions that are started at a time. One that does not start soon mostly waits: for a pod, or for itself. */
const STARTS = 16;
const STARTS_FAST_MS = 400;
const SLOW_STARTS = 32;
/** How long a removal lets deploys before it finish: most do, and what hangs has no reason to go on. */
const REMOVAL_WAITS_MS = 500;

export interface DeploysOptions {
  readonly platform: Platform;
  readonly builder: Builder;
  readonly limits: Limits;
}

export interface DeployOrder {
  readonly name: string;
  /** Absent: that of the current version stays. */
  readonly source?: Source;
  /** Changes to the settings of the current version, or to the defaults for a new function. */
  readonly patch: SettingsPatch;
  /** Stops waiting and building; a publish that has begun is completed. */
  readonly signal: AbortSignal;
}

/** What came of a deploy, with the times that a person wants to know. */
export interface Deployed extends Published {
  readonly waitedMs: number;
  /** Absent if the bundle of the version before was used again. */
  readonly buildMs?: number;
  readonly startMs: number;
}

/** Makes versions out of sources and settings: one at a time for each function, in order of arrival. */
export class Deploys {
  readonly #options: DeploysOptions;
  readonly #turns: DeployTurns;
  readonly #starts: FastLane;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  /** Those of each name that a removal may stop. */
  readonly #deploying = new Map<string, Set<AbortController>>();

  constructor(options: DeploysOptions) {
    this.#options = options;
    const { buildMs, startMs, sourceBytes } = options.limits;
    this.#turns = new DeployTurns({
      inAll: DEPLOYS_IN_ALL,
      waitingPerName: DEPLOYS_WAITING_PER_NAME,
      bytesInAll: SOURCES_IN_ALL * sourceBytes,
      waitingBytes: SOURCES_WAITING * sourceBytes,
      waitMs: buildMs + startMs,
    });
    this.#starts = new FastLane({
      places: STARTS,
      mostMs: STARTS_FAST_MS,
      contendedMs: STARTS_FAST_MS,
      mostBytes: Number.POSITIVE_INFINITY,
      waiting: { most: DEPLOYS_IN_ALL, refusal: () => new Error("more starts wait than there are deploys") },
      slow: new SlowLane({ places: SLOW_STARTS, bytes: Number.POSITIVE_INFINITY }),
    });
  }

  /**
   * @throws Problem `unknown_function` (no source given and none there), `invalid_setting`,
   * `too_many_waiting`, `draining`, what builder and platform throw; the signal's reason. Nothing is
   * changed then
   */
  deploy(order: DeployOrder): Promise<Deployed> {
    const arrivedAt = performance.now();
    const { name } = order;
    const removed = new AbortController();
    const signal = AbortSignal.any([order.signal, this.#closing.signal, removed.signal]);
    const bytes = order.source?.bytes.byteLength ?? 0;
    const deploying = this.#deploying.get(name) ?? new Set();
    this.#deploying.set(name, deploying.add(removed));
    const work = () =>
      this.#deploy({ ...order, signal, removed: removed.signal }, performance.now() - arrivedAt);
    const done = this.#turns.run({ name, bytes, signal }, work).finally(() => {
      deploying.delete(removed);
      if (deploying.size === 0 && this.#deploying.get(name) === deploying) this.#deploying.delete(name);
    });
    return this.#track(done);
  }

  /**
   * Takes its turn among the changes of its name, so that no deploy before it brings the function back; those that hang
   * end. False if there was none.
   */
  async remove(name: string): Promise<boolean> {
    const { platform } = this.#options;
    const before = [...(this.#deploying.get(name) ?? [])];
    const detail = `The function "${name}" was removed while this deploy was under way. Deploy it again.`;
    const stop = () => {
      for (const each of before) each.abort(new Problem("unknown_function", detail));
    };
    const timer = setTimeout(stop, REMOVAL_WAITS_MS);
    const turn = { name, bytes: 0, isAlwaysTaken: true, signal: this.#closing.signal };
    try {
      return await this.#track(this.#turns.run(turn, () => platform.remove(name)));
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits up to `drainMs` for what is under way; then what has not begun to publish ends with `draining`. */
  async close({ drainMs }: { drainMs: number }): Promise<void> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), drainMs);
    const late = new Promise<void>((resolve) => deadline.signal.addEventListener("abort", () => resolve()));
    await Promise.race([Promise.allSettled(this.#underWay), late]);
    clearTimeout(timer);
    this.#closing.abort(
      new Problem("draining", "Skiff is shutting down: deploy again in a moment.", { retryAfterS: 1 }),
    );
  }

  async #deploy(
    { name, patch, signal, removed, ...order }: DeployOrder & { removed: AbortSignal },
    waitedMs: number,
  ): Promise<Deployed> {
    const { platform, limits } = this.#options;
    const current = await platform.find(name);
    const hashed = order.source ? await sourceHash(order.source) : current?.sourceHash;
    if (hashed === undefined) throw unknownFunction(name);
    const settings = applySettings(current?.settings ?? defaultSettings(limits), patch, limits);
    const version = { name, hash: versionHash(hashed, settings), sourceHash: hashed, settings };
    // Whoever left, a version is whole or it is not there; but nobody waits for one that is removed at once.
    if (current && isSameVersion(current, version)) {
      if (isServing(platform, current)) return { ...unchanged(current), waitedMs, startMs: 0 };
      return { ...(await this.#start(() => complete(platform, current, removed), signal)), waitedMs };
    }
    const { content, ...built } = await this.#content(order.source, { current, hashed, signal });
    signal.throwIfAborted();
    const start = () => publish(platform, { ...version, content }, removed);
    return { ...(await this.#start(start, signal)), ...built, waitedMs };
  }

  async #start(
    start: () => Promise<Published>,
    signal: AbortSignal,
  ): Promise<Published & { readonly startMs: number }> {
    const startedAt = performance.now();
    const published = await this.#starts.run(() => startAttempt(start()), { signal });
    return { ...published, startMs: performance.now() - startedAt };
  }

  /** Builds the source, unless the current version has the same. */
  async #content(
    source: Source | undefined,
    { current, hashed, signal }: { current: VersionRecord | undefined; hashed: string; signal: AbortSignal },
  ): Promise<{ content: Draft["content"]; buildMs?: number }> {
    if (source === undefined || current?.sourceHash === hashed) {
      return { content: { sameAs: current!.version } };
    }
    const startedAt = performance.now();
    try {
      const artifact = await this.#options.builder.build(source, signal);
      return { content: { source, artifact }, buildMs: performance.now() - startedAt };
    } catch (error) {
      // What a build says when it is stopped matters less than why it was.
      signal.throwIfAborted();
      throw error;
    }
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    const done = () => this.#underWay.delete(work);
    work.then(done, done);
    return work;
  }
}

/** A start goes on where it is, in whatever lane: it is the platform's work. */
function startAttempt<T>(done: Promise<T>): Attempt<T> {
  const startedAtMs = performance.now();
  return { done, bytes: () => 0, workedMs: () => performance.now() - startedAtMs, slowDown: () => {} };
}

export function unknownFunction(name: string): Problem {
  return new Problem(
    "unknown_function",
    `There is no function "${name}": deploy it with POST /func?name=${name}, or list them with GET /func.`,
  );
}
