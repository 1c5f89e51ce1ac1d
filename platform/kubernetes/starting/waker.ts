import { Semaphore } from "../../../process/semaphore.ts";
import type { Limits } from "../../limits.ts";
import type { WakeStep } from "../../platform.ts";
import { Problem } from "../../problems.ts";
import { placingOf } from "../../settings/runtime.ts";
import { ApiError, ApiUnreachable, clusterProblem, hasStatus } from "../cluster/api-error.ts";
import { delay } from "../cluster/mirror.ts";
import type { KeptVersion } from "../cluster/resources.ts";
import type { Children } from "../objects/children.ts";
import type { Pool, PoolOutcome, Supplied } from "../pool/pool.ts";
import { NotReady, Start, type StartOptions } from "./start.ts";

/** First and longest pause between scale requests: the leader may scale the version to 0 at the same time. */
const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 8_000;
/** Pause while the API server is away: the function serves soon after it is back. */
const UNREACHABLE_RETRY_MS = 500;
/** Wakings that call the API server in parallel; the others wait in order of arrival. */
const AT_ONCE = 8;
/**
 * Versions of each router whose own pods start in parallel. Sixty containers that start on one node at once take twice as
 * long in all as a few at a time.
 */
const STARTS_AT_ONCE = 4;
const SETTLE_TRIES = 10;
/** Time for a waking by the pool before the version's own pods start. */
const POOL_MS = 150;
const RETRY_AFTER_S = 5;

export interface WakerOptions extends StartOptions {
  readonly limits: Limits;
  readonly children: Pick<Children, "scale">;
  /** Without it a waking takes as long as the start of a container. */
  readonly pool?: Pool | undefined;
}

export interface Sleeping {
  readonly name: string;
  readonly version: number;
  /** Calls that are in flight or waiting. */
  readonly calls: number;
}

/** Wakes versions without instances: by a pod of the pool, or by scaling their Deployment. */
export class Waker {
  readonly #options: WakerOptions;
  readonly #underWay = new Map<string, Promise<readonly WakeStep[]>>();
  readonly #closing = new AbortController();
  readonly #confirming = new Set<Promise<void>>();
  readonly #places = new Semaphore({ places: AT_ONCE });
  readonly #starts = new Semaphore({ places: STARTS_AT_ONCE });

  constructor(options: WakerOptions) {
    this.#options = options;
  }

  /**
   * Starts as many instances as the calls need, at least one, and resolves with the first.
   * @throws Problem `unknown_function`, `unknown_version`, `no_capacity`, `platform_unavailable`
   */
  wake(sleeping: Sleeping): Promise<readonly WakeStep[]> {
    const key = `${sleeping.name}@${sleeping.version}`;
    const underWay = this.#underWay.get(key);
    if (underWay) return underWay;
    const wake = this.#wake(sleeping)
      .catch((error: unknown) => {
        throw clusterProblem(error);
      })
      .finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, wake);
    return wake;
  }

  async close(): Promise<void> {
    this.#closing.abort(new Problem("draining", "Skiff is shutting down.", { retryAfterS: 1 }));
    await Promise.allSettled([...this.#underWay.values(), ...this.#confirming]);
  }

  async #wake({ name, version: number, calls }: Sleeping): Promise<readonly WakeStep[]> {
    const { endpoints, limits, children } = this.#options;
    const uid = endpoints.functions.get(name)?.metadata.uid;
    if (uid === undefined) throw new Problem("unknown_function", `There is no function "${name}".`);
    const version = endpoints.kept(name, number);
    if (!version) throw new Problem("unknown_version", `The function "${name}" has no version ${number}.`);
    if (endpoints.ready(name, number).length > 0) return [];
    const takesCalls = endpoints.get(name)?.traffic.some((share) => share.version === number) ?? false;
    const least = neededFor(version, { calls, takesCalls });
    const { isForeign } = placingOf(version);
    const wanted = { name, uid, version: number, count: 1, isRestart: true, isForeign };
    const start = new Start(wanted, this.#options);
    const fail = (error: unknown) => start.fail(error);
    const supplied = { owner: { name, uid }, version };
    let away: unknown;
    const scale = async () => {
      try {
        await children.scale({ name, version: number }, least);
        start.mark("api");
        // The claim failed as well. Controllers and nodes need longer to find the API server again.
        if (away !== undefined) await this.#supply(supplied, start);
        away = undefined;
      } catch (error) {
        // Retried as long as the call waits, if the server is away or the Deployment is missing: the leader creates it
        // when it reads in the load of this router that the version is waking.
        if (!isPassing(error)) throw error;
        away = hasStatus(error, 404) ? undefined : error;
      }
      return away === undefined;
    };
    const over = new AbortController();
    const startPods = async () => {
      this.#repeat(scale, over.signal).catch(fail);
      await Promise.all([scale(), start.watchPods()]);
      await start.started(over.signal);
    };
    const begin = async () => {
      const otherwise = () => void this.#starts.run(startPods, over.signal).catch(fail);
      const isServed = await this.#fromPool(supplied, { start, otherwise });
      if (isServed) await this.#settle(scale);
    };
    const limit = `${limits.instanceWaitMs / 1_000} s (limit SKIFF_INSTANCE_WAIT)`;
    const expire = () => (away === undefined ? start.expire(limit) : start.fail(away));
    const late = setTimeout(expire, limits.instanceWaitMs);
    const stop = () => start.fail(this.#closing.signal.reason);
    this.#closing.signal.addEventListener("abort", stop);
    // Leaves the queue when another router has woken the version.
    const begun = this.#places.run(begin, over.signal).catch(fail);
    try {
      await start.done;
      return start.steps;
    } catch (error) {
      throw error instanceof NotReady ? noCapacity(name, error) : error;
    } finally {
      over.abort();
      clearTimeout(late);
      this.#closing.signal.removeEventListener("abort", stop);
      const confirmed = Promise.all([start.end(this.#closing.signal), begun]).then(() => {});
      this.#confirming.add(confirmed);
      void confirmed.finally(() => this.#confirming.delete(confirmed));
    }
  }

  /** Repeats the request until `over`, within AT_ONCE: hundreds of wakings may wait for room on a node. */
  async #repeat(scale: () => Promise<boolean>, over: AbortSignal): Promise<void> {
    let pauseMs = RETRY_MS;
    for (;;) {
      await delay(pauseMs, over);
      if (over.aborted) return;
      const isThere = await this.#places.run(scale, over);
      pauseMs = isThere ? Math.min(2 * pauseMs, LONGEST_RETRY_MS) : UNREACHABLE_RETRY_MS;
    }
  }

  /**
   * Resolves with true if a pod of the pool serves. The pool comes first, because the start of an own pod would take CPU
   * from the load of the pool's pod.
   */
  async #fromPool(
    supplied: Supplied,
    { start, otherwise }: { start: Start; otherwise: () => void },
  ): Promise<boolean> {
    let isBegun = false;
    const begin = () => {
      if (!isBegun) otherwise();
      isBegun = true;
    };
    const late = setTimeout(begin, POOL_MS);
    // A pod of the pool may serve although the own ones crash again and again.
    start.holdTrouble();
    const outcome = await this.#supply(supplied, start);
    clearTimeout(late);
    start.releaseTrouble();
    if (outcome !== "claimed") begin();
    return outcome === "claimed" && !isBegun;
  }

  async #supply(supplied: Supplied, start: Start): Promise<PoolOutcome | undefined> {
    const { signal } = this.#closing;
    const onStep = (step: "claim" | "load") => start.mark(step);
    return await this.#options.pool?.supply(supplied, { signal, onStep });
  }

  /** Scales the Deployment up to the serving pod, so that its ReplicaSet adopts the pod. */
  async #settle(scale: () => Promise<boolean>): Promise<void> {
    const { signal } = this.#closing;
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        if ((await scale()) || tries === SETTLE_TRIES) return;
      } catch (error) {
        if (tries === SETTLE_TRIES) throw error;
      }
      await delay(RETRY_MS, signal);
    }
  }
}

/** The API server is away or overloaded, or the leader has not created the Deployment yet. */
function isPassing(error: unknown): boolean {
  if (error instanceof ApiUnreachable) return true;
  return error instanceof ApiError && (error.status === 404 || error.status === 429 || error.status >= 500);
}

function neededFor(
  { min, max, concurrency, isolation, pool = 1 }: KeptVersion,
  { calls, takesCalls }: { calls: number; takesCalls: boolean },
): number {
  // The leader keeps as many of a version whose instances take one call each.
  const needed = isolation === "call" ? calls + pool : Math.ceil(calls / concurrency);
  return Math.max(1, takesCalls ? min : 0, Math.min(max, needed));
}

function noCapacity(name: string, { message, isLate, trouble }: NotReady): Problem {
  const last = trouble?.log.at(-1);
  const more = last === undefined ? "" : ` Its last line: ${last}`;
  const what = isLate ? `No instance of "${name}" ${message}` : `"${name}" does not start: ${message}`;
  const where = trouble === undefined ? "; GET /func/NAME shows details." : "";
  return new Problem("no_capacity", `${what}${where}${more}`, { retryAfterS: RETRY_AFTER_S });
}
