import type { Limits } from "../../limits.ts";
import { Problem } from "../../problems.ts";
import { type Deployment, KINDS } from "../cluster/resources.ts";
import type { Children } from "../objects/children.ts";
import { keptVersion } from "../objects/function-resource.ts";
import type { Owner } from "../objects/manifests.ts";
import { versionName } from "../objects/names.ts";
import { replicaFailure } from "../objects/pod-state.ts";
import type { PackedVersion } from "../pool/bundle-cache.ts";
import type { PoolSupply } from "../pool/pool-supply.ts";
import type { VersionRecord } from "../versions/versions.ts";
import { NotReady, Start, type StartOptions } from "./start.ts";

/** A pod of the pool has loaded the version by then, or the version needs its own pods. */
const POOL_MS = 400;
/** No call waits, and many versions may start at once: probes take less of the processors than those of a waking. */
const PROBE_EVERY_MS = 50;

export interface StarterOptions extends StartOptions {
  readonly limits: Limits;
  readonly children: Children;
  /** Ready pods; a version that gets one serves before its own pods have started. */
  readonly supply?: PoolSupply;
  readonly onTrouble: (reason: string) => void;
}

export interface Supply {
  readonly owner: Owner;
  readonly record: Pick<VersionRecord, "version" | "settings">;
  /** Instances that are asked for. */
  readonly count: number;
  readonly packed?: () => Promise<PackedVersion>;
}

export interface Instances {
  readonly owner: Owner;
  readonly record: VersionRecord;
  /** Ready instances that there should be. */
  readonly count: number;
  /** Ready instances that do not count, because they stop. */
  readonly leaving?: readonly { readonly id: string }[];
  /** The version has traffic, or is about to get some. */
  readonly takesCalls: boolean;
  /** Of `supply`. */
  readonly supplied: Promise<boolean>;
  /** What is done once they are ready, while the cluster learns that it should keep them. */
  readonly whenReady?: () => Promise<void>;
}

/** Starts instances of versions that are stored or get traffic: pods of the pool first, their own otherwise. */
export class Starter {
  readonly #options: StarterOptions;
  readonly #closing = new AbortController();
  readonly #confirming = new Set<Promise<void>>();

  constructor(options: StarterOptions) {
    this.#options = options;
  }

  /** Resolves with true if so many pods of the pool serve the version. They are given up when `signal` aborts. */
  async supply({ owner, record, count, packed }: Supply, signal: AbortSignal): Promise<boolean> {
    const { supply, onTrouble } = this.#options;
    if (!supply || count === 0) return count === 0;
    try {
      const supplied = { owner, version: keptVersion(record), ...(packed ? { packed } : {}) };
      return await supply.several(count, supplied, { signal });
    } catch (error) {
      if (!signal.aborted)
        onTrouble(`${owner.name}: the pool could not be asked: ${(error as Error).message}`);
      return false;
    }
  }

  /**
   * Resolves when so many instances are ready and the version has a Deployment. Returns what makes the cluster keep as many:
   * for pods of the pool it makes surplus pods for a moment, which take processors that a deploy needs.
   * @throws Problem `start_failed`, `unknown_function`; ApiError, ApiUnreachable; the signal's reason
   */
  async start(instances: Instances, signal: AbortSignal): Promise<() => Promise<void>> {
    const { limits, children } = this.#options;
    const { owner, record, count, takesCalls, supplied, whenReady, leaving = [] } = instances;
    signal.throwIfAborted();
    const options = { ...this.#options, probeEveryMs: PROBE_EVERY_MS };
    const start = new Start({ ...owner, version: record.version, count, leaving }, options);
    const fail = (error: unknown) => start.fail(error);
    const replicas = Math.max(count, takesCalls ? record.settings.min : 0);
    const work: Promise<void>[] = [];
    const run = (one: Promise<void> = Promise.resolve()) => {
      one.catch(fail);
      work.push(one);
    };
    // Pods of the cluster take the processors that the pool's pods need to load: they come second.
    let startsOwn = false;
    const startOwn = () => {
      startsOwn = true;
      run(children.bringUp(record, { owner, takesCalls, replicas }));
      run(start.watchPods());
    };
    const tooLong = setTimeout(() => void this.#expire(start, instances), limits.startMs);
    const leave = () => fail(signal.reason);
    signal.addEventListener("abort", leave);
    let late: NodeJS.Timeout | undefined;
    try {
      if ((await within(0, supplied)) !== false)
        run(children.create(record, { owner, takesCalls, replicas: 0 }));
      if (await within(POOL_MS, supplied)) late = setTimeout(startOwn, POOL_MS);
      else startOwn();
      await start.done;
      run(whenReady?.());
      await Promise.all(work);
      signal.throwIfAborted();
      return async () => {
        if (!startsOwn) await children.complete(record, { owner, takesCalls, replicas });
      };
    } catch (error) {
      throw error instanceof NotReady ? startFailed(error) : error;
    } finally {
      clearTimeout(late);
      clearTimeout(tooLong);
      signal.removeEventListener("abort", leave);
      // What is undone after a failure must not go on meanwhile.
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

  async #expire(start: Start, { owner, record }: Instances): Promise<void> {
    const { api, namespace, limits } = this.#options;
    const name = versionName(owner.name, record.version);
    try {
      const deployment = await api.get<Deployment>({ kind: KINDS.deployments, namespace, name });
      start.expire(`${limits.startMs / 1_000} s (limit SKIFF_START_TIMEOUT)`, replicaFailure(deployment));
    } catch (error) {
      start.fail(error);
    }
  }
}

/** Undefined if it is not known by then. */
function within(ms: number, supplied: Promise<boolean>): Promise<boolean | undefined> {
  const { promise, resolve } = Promise.withResolvers<boolean | undefined>();
  const timer = setTimeout(resolve, ms, undefined);
  void supplied.then(resolve).finally(() => clearTimeout(timer));
  return promise;
}

function startFailed({ message, isLate, trouble }: NotReady): Problem {
  const log = trouble?.log ?? [];
  const last = log.length > 0 ? ` Its last lines:\n${log.join("\n")}` : "";
  const why = isLate ? `no instance ${message.replace(/\.$/, "")}.` : message;
  const detail = `The new version does not start: ${why} Nothing was changed.${last}`;
  return new Problem("start_failed", detail, { log: [...log] });
}
