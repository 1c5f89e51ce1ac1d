import { Semaphore } from "../../../process/semaphore.ts";
import type { WakeStep } from "../../platform.ts";
import { Problem } from "../../problems.ts";
import { currentOf } from "../../traffic.ts";
import { ApiUnreachable, clusterProblem } from "../cluster/api-error.ts";
import { delay } from "../cluster/mirror.ts";
import type { FunctionResource } from "../cluster/resources.ts";
import type { Children } from "../objects/children.ts";
import { settingsOf } from "../objects/function-spec.ts";
import type { PoolSupply } from "../pool/pool-supply.ts";
import { type AttemptOptions, WakeAttempt } from "./wake-attempt.ts";

/** The leader may have sent the function to sleep in the same moment: what is wanted is said again, ever later. */
const AGAIN_MS = 1_000;
const LONGEST_AGAIN_MS = 8_000;
/** Wakings that ask the API server at the same time; the rest waits in order of arrival. */
const AT_ONCE = 8;
/**
 * Functions whose own pods start at the same time, for each router. Sixty containers that start on one node at once take
 * twice as long for all of them as when a few do.
 */
const STARTS_AT_ONCE = 4;
const SETTLE_TRIES = 10;
/** A waking by the pool is over by then; one that is not has need of the function's own pods. */
const POOL_MS = 150;

export interface WakerOptions extends AttemptOptions {
  readonly children: Children;
  /** Ready pods to wake with; without them a waking takes as long as the start of a container. */
  readonly supply?: PoolSupply;
}

/**
 * Wakes functions that sleep: scales to one, and gives the function to a pod of the pool. If there is none, it asks the
 * new pod itself as soon as it has an address, and sends calls there at once; the kubelet's probe and the EndpointSlice
 * say the same up to a second later.
 */
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
   * Makes as many instances as `calls` need, at least one, and resolves with the first.
   * @throws Problem `unknown_function`, `no_capacity`, `platform_unavailable`
   */
  wake(name: string, calls: number): Promise<readonly WakeStep[]> {
    const underWay = this.#underWay.get(name);
    if (underWay) return underWay;
    const wake = this.#wake(name, calls)
      .catch((error: unknown) => {
        throw clusterProblem(error);
      })
      .finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, wake);
    return wake;
  }

  async close(): Promise<void> {
    this.#closing.abort(new Problem("draining", "Skiff is shutting down.", { retryAfterS: 1 }));
    await Promise.allSettled([...this.#underWay.values(), ...this.#confirming]);
  }

  async #wake(name: string, calls: number): Promise<readonly WakeStep[]> {
    const { endpoints, limits, children } = this.#options;
    const resource = endpoints.functions.get(name);
    if (!resource) throw new Problem("unknown_function", `There is no function "${name}".`);
    if ((currentOf(endpoints.get(name))?.instances.length ?? 0) > 0) return [];
    const attempt = new WakeAttempt(name, this.#options);
    const { min, max, concurrency } = settingsOf(resource.spec, limits);
    const least = Math.max(1, min, Math.min(max, Math.ceil(calls / concurrency)));
    const fail = (error: unknown) => attempt.fail(error);
    const ask = async () => {
      try {
        await children.scale(name, least);
        attempt.mark("api");
      } catch (error) {
        // A server that is only slow is asked again as long as the call waits.
        if (!(error instanceof ApiUnreachable && error.isLate)) throw error;
      }
    };
    const over = new AbortController();
    const startPods = async () => {
      this.#askAgain(ask, over.signal).catch(fail);
      await Promise.all([ask(), attempt.watchPods()]);
      await attempt.started(over.signal);
    };
    const begin = async () => {
      const isServed = await this.#fromPool(resource, {
        attempt,
        otherwise: () => void this.#starts.run(startPods, over.signal).catch(fail),
      });
      if (isServed) await this.#settle(ask);
    };
    const late = setTimeout(() => attempt.expire(), limits.instanceWaitMs);
    const stop = () => attempt.fail(this.#closing.signal.reason);
    this.#closing.signal.addEventListener("abort", stop);
    // Who was woken by somebody else in the meantime has no need of a place any more.
    const begun = this.#places.run(begin, over.signal).catch(fail);
    try {
      await attempt.done;
      return attempt.steps;
    } finally {
      over.abort();
      clearTimeout(late);
      this.#closing.signal.removeEventListener("abort", stop);
      const confirmed = Promise.all([attempt.end(this.#closing.signal), begun]).then(() => {});
      this.#confirming.add(confirmed);
      void confirmed.finally(() => this.#confirming.delete(confirmed));
    }
  }

  /** Until `over`, and never more at a time than may begin: hundreds may wait for room on a node. */
  async #askAgain(ask: () => Promise<void>, over: AbortSignal): Promise<void> {
    for (let pauseMs = AGAIN_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_AGAIN_MS)) {
      await delay(pauseMs, over);
      if (over.aborted) return;
      await this.#places.run(ask, over);
    }
  }

  /**
   * True if a pod of the pool serves. The pool comes first, because what the cluster does once it is asked for a pod
   * takes the same processors that the pool's pod needs to load.
   */
  async #fromPool(resource: FunctionResource, { attempt, otherwise }: Bringing): Promise<boolean> {
    const { supply } = this.#options;
    let isBegun = false;
    const begin = () => {
      if (!isBegun) otherwise();
      isBegun = true;
    };
    const late = setTimeout(begin, POOL_MS);
    const { signal } = this.#closing;
    const outcome = await supply?.forSleeper(resource, { signal, onStep: (step) => attempt.mark(step) });
    clearTimeout(late);
    if (outcome !== "claimed") begin();
    return outcome === "claimed" && !isBegun;
  }

  /** The pod serves already; it is adopted when the function's ReplicaSet wants one. */
  async #settle(ask: () => Promise<void>): Promise<void> {
    const { signal } = this.#closing;
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        return await ask();
      } catch (error) {
        if (tries === SETTLE_TRIES) throw error;
      }
      await delay(AGAIN_MS, signal);
    }
  }
}

interface Bringing {
  readonly attempt: WakeAttempt;
  /** Asks the cluster for pods, when it is their turn. */
  readonly otherwise: () => void;
}
