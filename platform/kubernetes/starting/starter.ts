import { Semaphore } from "../../../process/semaphore.ts";
import { explainLine, isRemark } from "../../../runtimes/deno/permission-advice.ts";
import type { Limits } from "../../limits.ts";
import { Problem } from "../../problems.ts";
import { modeOf, placingOf } from "../../settings/runtime.ts";
import type { Settings } from "../../settings/settings.ts";
import { type Deployment, KINDS } from "../cluster/resources.ts";
import type { Children } from "../objects/children.ts";
import { keptVersion } from "../objects/function-resource.ts";
import type { Owner } from "../objects/manifests.ts";
import { versionName } from "../objects/names.ts";
import { replicaFailure } from "../objects/pod-state.ts";
import type { PackedVersion } from "../pool/bundle-cache.ts";
import type { Pool } from "../pool/pool.ts";
import type { VersionRecord } from "../versions/versions.ts";
import { NotReady, Start, type StartOptions } from "./start.ts";

/** Time for a pod of the pool to load the version before its own pods start. */
const POOL_MS = 400;
/** Versions whose own pods this manager starts in parallel; the others wait in order of arrival. */
const STARTS_AT_ONCE = 4;
const RETRY_AFTER_S = 5;
/** Longer than for a waking, because no call waits and many versions may start at once. */
const PROBE_EVERY_MS = 50;

export interface StarterOptions extends StartOptions {
  readonly limits: Limits;
  readonly children: Children;
  /** A version that gets a pod of the pool serves before its own pods have started. */
  readonly pool?: Pool | undefined;
  readonly onTrouble: (reason: string) => void;
}

export interface Supply {
  readonly owner: Owner;
  readonly record: Pick<VersionRecord, "version" | "settings">;
  /** Pods to claim. */
  readonly count: number;
  readonly packed?: () => Promise<PackedVersion>;
}

export interface Instances {
  readonly owner: Owner;
  readonly record: VersionRecord;
  /** Ready instances to wait for. */
  readonly count: number;
  /** Ready instances that stop and do not count. */
  readonly leaving?: readonly { readonly id: string }[];
  /** The version has traffic or gets some. */
  readonly takesCalls: boolean;
  /** Result of `supply`. */
  readonly supplied: Promise<boolean>;
  /** Runs once the instances are ready, in parallel with the rest of the start. */
  readonly whenReady?: () => Promise<void>;
}

/** Starts instances of versions that are stored or get traffic: from the pool first, then as their own pods. */
export class Starter {
  readonly #options: StarterOptions;
  readonly #closing = new AbortController();
  readonly #confirming = new Set<Promise<void>>();
  readonly #places = new Semaphore({ places: STARTS_AT_ONCE });
  /** Versions that have a place or wait for one. */
  #starting = 0;

  constructor(options: StarterOptions) {
    this.#options = options;
  }

  /** Resolves with true if `count` pods of the pool serve the version. They are given up when `signal` aborts. */
  async supply({ owner, record, count, packed }: Supply, signal: AbortSignal): Promise<boolean> {
    const { pool, onTrouble } = this.#options;
    if (!pool || count === 0) return count === 0;
    try {
      const supplied = { owner, version: keptVersion(record), ...(packed ? { packed } : {}) };
      return await pool.supplyMany(count, supplied, { signal });
    } catch (error) {
      if (!signal.aborted) onTrouble(`${owner.name}: the pool failed: ${(error as Error).message}`);
      return false;
    }
  }

  /**
   * Resolves when `count` instances are ready and the version has its objects. Returns a function that scales the
   * Deployment up to them. It runs after the deploy, because pods of the pool cause surplus pods for a moment.
   * The limit until a container runs is separate from SKIFF_START_TIMEOUT.
   * @throws Problem `start_failed` if the function is at fault, `no_capacity` if the cluster is, `unknown_function`;
   * ApiError, ApiUnreachable; the signal's reason
   */
  async start(instances: Instances, signal: AbortSignal): Promise<() => Promise<void>> {
    const { limits, children } = this.#options;
    const { owner, record, count, takesCalls, supplied, whenReady, leaving = [] } = instances;
    signal.throwIfAborted();
    const options = { ...this.#options, probeEveryMs: PROBE_EVERY_MS };
    const { isForeign } = placingOf({ ...record.settings, mode: modeOf(record.settings) });
    const start = new Start({ ...owner, version: record.version, count, leaving, isForeign }, options);
    const fail = (error: unknown) => start.fail(error);
    const replicas = Math.max(count, takesCalls ? record.settings.min : 0);
    const work: Promise<void>[] = [];
    const run = (one: Promise<void> = Promise.resolve()) => {
      one.catch(fail);
      work.push(one);
    };
    const over = new AbortController();
    const clusterMs = Math.max(limits.startMs, limits.instanceWaitMs);
    let tooLong: NodeJS.Timeout | undefined;
    const expireAfter = (ms: number) => {
      clearTimeout(tooLong);
      tooLong = setTimeout(() => void this.#expire(start, instances, ms), ms);
    };
    void start.runs.then(() => over.signal.aborted || expireAfter(limits.startMs));
    // The start of own pods would take CPU from the load of the pool's pods.
    let startsOwn = false;
    const startOwn = () => {
      this.#starting++;
      // Those before it in the queue have their time first.
      expireAfter(clusterMs * Math.ceil(this.#starting / STARTS_AT_ONCE));
      const started = this.#places.run(async () => {
        startsOwn = true;
        expireAfter(clusterMs);
        await Promise.all([children.bringUp(record, { owner, takesCalls, replicas }), start.watchPods()]);
        await start.started(over.signal);
      }, over.signal);
      const unlessServed = (error: unknown) => {
        // A pod of the pool served before its turn came.
        if (error !== over.signal.reason) throw error;
      };
      run(started.catch(unlessServed).finally(() => void this.#starting--));
    };
    const leave = () => fail(signal.reason);
    signal.addEventListener("abort", leave);
    let late: NodeJS.Timeout | undefined;
    try {
      if ((await within(0, supplied)) !== false)
        run(children.create(record, { owner, takesCalls, replicas: 0 }));
      if (await within(POOL_MS, supplied)) late = setTimeout(startOwn, POOL_MS);
      else startOwn();
      await start.done;
      over.abort();
      run(whenReady?.());
      await Promise.all(work);
      signal.throwIfAborted();
      return async () => {
        if (!startsOwn) await children.complete(record, { owner, takesCalls, replicas });
      };
    } catch (error) {
      throw error instanceof NotReady ? startFailed(error, record.settings) : error;
    } finally {
      over.abort();
      clearTimeout(late);
      clearTimeout(tooLong);
      signal.removeEventListener("abort", leave);
      // A failed start is undone by the caller, so its work must have ended.
      await Promise.allSettled(work);
      const confirmed = start.end(this.#closing.signal);
      this.#confirming.add(confirmed);
      void confirmed.finally(() => this.#confirming.delete(confirmed));
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#confirming);
  }

  async #expire(start: Start, { owner, record }: Instances, ms: number): Promise<void> {
    const { api, namespace, limits } = this.#options;
    const name = versionName(owner.name, record.version);
    try {
      const deployment = await api.get<Deployment>({ kind: KINDS.deployments, namespace, name });
      const limit = ms === limits.startMs ? " (limit SKIFF_START_TIMEOUT)" : "";
      start.expire(`${ms / 1_000} s${limit}`, replicaFailure(deployment));
    } catch (error) {
      start.fail(error);
    }
  }
}

/** Resolves with undefined if `supplied` takes longer. */
function within(ms: number, supplied: Promise<boolean>): Promise<boolean | undefined> {
  const { promise, resolve } = Promise.withResolvers<boolean | undefined>();
  const timer = setTimeout(resolve, ms, undefined);
  void supplied.then(resolve).finally(() => clearTimeout(timer));
  return promise;
}

function startFailed({ message, isLate, trouble, isOfCode }: NotReady, { permissions }: Settings): Problem {
  if (!isOfCode) {
    const why = isLate ? `no instance ${message.replace(/\.$/, "")}` : message.replace(/\.$/, "");
    const what = trouble === undefined ? "; the cluster has started no container for it" : "";
    const detail = `The cluster cannot start the new version now: ${why}${what}. Nothing was changed; try again in ${RETRY_AFTER_S} s.`;
    return new Problem("no_capacity", detail, { retryAfterS: RETRY_AFTER_S });
  }
  const log = (trouble?.log ?? [])
    .filter((line) => !isRemark(line))
    .map((line) => explainLine(line, permissions));
  const last = log.length > 0 ? ` Its last lines:\n${log.join("\n")}` : "";
  const why = isLate ? `no instance ${message.replace(/\.$/, "")}.` : message;
  const detail = `The new version does not start: ${why} Nothing was changed.${last}`;
  return new Problem("start_failed", detail, { log });
}
