import type { Limits } from "../limits.ts";
import type { WakeStep } from "../platform.ts";
import { Problem } from "../problems.ts";
import type { KubeApi } from "./api.ts";
import { clusterProblem } from "./api-error.ts";
import type { Children } from "./children.ts";
import type { EndpointsMirror } from "./endpoints-mirror.ts";
import { settingsOf } from "./function-spec.ts";
import { answersProbe } from "./instance-probe.ts";
import { Mirror } from "./mirror.ts";
import { LABELS, PORT } from "./names.ts";
import { condition, isTerminating, type Trouble, troubleOf, versionOf } from "./pod-state.ts";
import { KINDS, type Pod } from "./resources.ts";

/** The leader may have sent the function to sleep in the same moment: what is wanted is said again. */
const AGAIN_MS = 1_000;
/** Time that the cluster has to see for itself that a pod is ready which has answered us. */
const CONFIRM_MS = 15_000;

export interface WakerOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly limits: Limits;
  readonly endpoints: EndpointsMirror;
  readonly children: Children;
}

/**
 * Wakes functions that sleep: scales to one, asks the new pod itself as soon as it has an address, and sends calls
 * there at once. The kubelet's probe and the EndpointSlice say the same up to a second later.
 */
export class Waker {
  readonly #options: WakerOptions;
  readonly #underWay = new Map<string, Promise<readonly WakeStep[]>>();
  readonly #closing = new AbortController();
  readonly #confirming = new Set<Promise<void>>();

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
    const ask = () => children.scale(name, least).then(() => attempt.mark("api"));
    const again = setInterval(() => ask().catch((error: unknown) => attempt.fail(error)), AGAIN_MS);
    const late = setTimeout(() => attempt.expire(), limits.instanceWaitMs);
    const stop = () => attempt.fail(this.#closing.signal.reason);
    this.#closing.signal.addEventListener("abort", stop);
    try {
      await Promise.all([ask(), attempt.done]);
      return attempt.steps;
    } finally {
      clearInterval(again);
      clearTimeout(late);
      this.#closing.signal.removeEventListener("abort", stop);
      const confirmed = attempt.end(this.#closing.signal);
      this.#confirming.add(confirmed);
      void confirmed.finally(() => this.#confirming.delete(confirmed));
    }
  }
}

/** One waking, from the decision to the first pod that answers. */
class WakeAttempt {
  readonly done: Promise<void>;
  readonly #name: string;
  readonly #options: WakerOptions;
  readonly #startedMs = performance.now();
  readonly #steps = new Map<WakeStep["name"], number>();
  readonly #pods: Mirror<Pod>;
  readonly #probes = new Map<string, AbortController>();
  readonly #probing = new Set<Promise<void>>();
  readonly #troubles = new Map<string, Trouble>();
  readonly #unwatch: () => void;
  #resolve: () => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(name: string, options: WakerOptions) {
    this.#name = name;
    this.#options = options;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { api, namespace, endpoints } = options;
    this.#unwatch = endpoints.watch((changed, now) => {
      if (changed !== name) return;
      if (!now) this.fail(new Problem("unknown_function", `The function "${name}" was removed.`));
      else if (now.instances.length > 0) this.#ready();
    });
    this.#pods = new Mirror<Pod>({
      api,
      place: { kind: KINDS.pods, namespace },
      labelSelector: `${LABELS.function}=${name}`,
      onChange: (key, pod) => this.#changed(key, pod),
    });
  }

  /** Times since the decision at which each step was done, as far as they were seen. */
  get steps(): readonly WakeStep[] {
    return [...this.#steps].map(([name, atMs]) => ({ name, atMs }));
  }

  mark(step: WakeStep["name"]): void {
    if (!this.#steps.has(step)) this.#steps.set(step, performance.now() - this.#startedMs);
  }

  fail(error: unknown): void {
    this.#reject(error);
  }

  expire(): void {
    const wait = `${this.#options.limits.instanceWaitMs / 1_000} s (limit SKIFF_INSTANCE_WAIT)`;
    const trouble = [...this.#troubles.values()][0];
    const why = trouble ? `: ${trouble.message}` : "; GET /func/NAME says more.";
    this.fail(noCapacity(`No instance of "${this.#name}" was ready within ${wait}${why}`));
  }

  /** Releases everything; pods that were taken in early are watched until the cluster has confirmed them. */
  async end(closing: AbortSignal): Promise<void> {
    this.#unwatch();
    for (const probe of this.#probes.values()) probe.abort();
    await Promise.all(this.#probing);
    const { endpoints } = this.#options;
    await endpoints.earlyConfirmed(this.#name, AbortSignal.any([closing, AbortSignal.timeout(CONFIRM_MS)]));
    await this.#pods.close();
  }

  #changed(key: string, pod: Pod | undefined): void {
    if (!pod || isTerminating(pod)) {
      this.#probes.get(key)?.abort();
      this.#probes.delete(key);
      this.#troubles.delete(key);
      if (pod?.metadata.uid) this.#options.endpoints.dropEarly(this.#name, pod.metadata.uid);
      else this.#options.endpoints.dropAllEarly(this.#name);
      return;
    }
    this.mark("pod");
    if (condition(pod, "PodScheduled")?.status === "True") this.mark("schedule");
    const trouble = troubleOf(pod);
    if (trouble) {
      this.#troubles.set(key, trouble);
      if (trouble.final) this.fail(noCapacity(`"${this.#name}" does not start: ${withLog(trouble)}`));
    } else this.#troubles.delete(key);
    const host = pod.status?.podIP;
    if (host !== undefined && !this.#probes.has(key)) this.#probe(key, pod, host);
  }

  #probe(key: string, pod: Pod, host: string): void {
    this.mark("container");
    const stop = new AbortController();
    this.#probes.set(key, stop);
    const address = { host, port: PORT };
    const probing = answersProbe(address, stop.signal).then((answered) => {
      this.#probing.delete(probing);
      if (!answered) return;
      const version = versionOf(pod);
      this.mark("start");
      this.#options.endpoints.addEarly(this.#name, { id: pod.metadata.uid!, address, version });
      this.#ready();
    });
    this.#probing.add(probing);
  }

  #ready(): void {
    if ((this.#options.endpoints.get(this.#name)?.instances.length ?? 0) === 0) return;
    this.mark("start");
    this.#resolve();
  }
}

const RETRY_AFTER_S = 5;

function noCapacity(detail: string): Problem {
  return new Problem("no_capacity", detail, { retryAfterS: RETRY_AFTER_S });
}

function withLog({ message, log }: Trouble): string {
  return log.length === 0 ? message : `${message} Its last line: ${log.at(-1)}`;
}
