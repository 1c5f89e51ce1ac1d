import type { WakeStep } from "../platform.ts";
import { Problem } from "../problems.ts";
import { Semaphore } from "../semaphore.ts";
import { ApiUnreachable, clusterProblem } from "./api-error.ts";
import type { Children } from "./children.ts";
import { settingsOf } from "./function-spec.ts";
import type { PoolSupply } from "./pool/pool-supply.ts";
import type { FunctionResource } from "./resources.ts";
import { type AttemptOptions, WakeAttempt } from "./wake-attempt.ts";

/** The leader may have sent the function to sleep in the same moment: what is wanted is said again. */
const AGAIN_MS = 1_000;
/** Wakings that ask the API server at the same time; the rest waits in order of arrival. */
const AT_ONCE = 8;
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
    if ((endpoints.get(name)?.instances.length ?? 0) > 0) return [];
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
    let again: NodeJS.Timeout | undefined;
    const begin = async () => {
      again = setInterval(() => ask().catch(fail), AGAIN_MS);
      await Promise.all([ask(), this.#bringUp(resource, attempt)]);
    };
    const late = setTimeout(() => attempt.expire(), limits.instanceWaitMs);
    const over = new AbortController();
    const stop = () => attempt.fail(this.#closing.signal.reason);
    this.#closing.signal.addEventListener("abort", stop);
    // Who was woken by somebody else in the meantime has no need of a place any more.
    this.#places.run(begin, over.signal).catch(fail);
    try {
      await attempt.done;
      return attempt.steps;
    } finally {
      over.abort();
      clearInterval(again);
      clearTimeout(late);
      this.#closing.signal.removeEventListener("abort", stop);
      const confirmed = attempt.end(this.#closing.signal);
      this.#confirming.add(confirmed);
      void confirmed.finally(() => this.#confirming.delete(confirmed));
    }
  }

  /** Resolves when the pool has helped; or else when the pods that the cluster makes are watched. */
  async #bringUp(resource: FunctionResource, attempt: WakeAttempt): Promise<void> {
    const { supply } = this.#options;
    if (!supply) return await attempt.watchPods();
    const late = setTimeout(() => void attempt.watchPods(), POOL_MS);
    try {
      const outcome = await supply.forSleeper(resource, {
        signal: this.#closing.signal,
        onStep: (step) => attempt.mark(step),
      });
      if (outcome !== "claimed") await attempt.watchPods();
    } finally {
      clearTimeout(late);
    }
  }
}
