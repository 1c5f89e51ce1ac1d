import type { Limits } from "../../limits.ts";
import type { WakeStep } from "../../platform.ts";
import { Problem } from "../../problems.ts";
import { currentOf } from "../../traffic.ts";
import type { KubeApi } from "../cluster/api.ts";
import { delay, Mirror } from "../cluster/mirror.ts";
import { KINDS, type Pod } from "../cluster/resources.ts";
import type { EndpointsMirror } from "../endpoints/endpoints-mirror.ts";
import { LABELS, PORT } from "../objects/names.ts";
import { condition, isTerminating, type Trouble, troubleOf, versionOf } from "../objects/pod-state.ts";
import { answersProbe } from "./instance-probe.ts";

/** Time that the cluster has to see for itself that a pod is ready which has answered us. */
const CONFIRM_MS = 30_000;
/** A pod that takes longer to start waits for something else than processors. */
const START_MS = 10_000;

export interface AttemptOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly limits: Limits;
  readonly endpoints: EndpointsMirror;
}

/** One waking, from the decision to the first pod that answers. */
export class WakeAttempt {
  readonly done: Promise<void>;
  readonly #name: string;
  readonly #options: AttemptOptions;
  readonly #startedMs = performance.now();
  readonly #steps = new Map<WakeStep["name"], number>();
  #pods: Mirror<Pod> | undefined;
  #ended = false;
  /** Of the pods that were seen, by name. */
  readonly #uids = new Map<string, string>();
  readonly #probes = new Map<string, AbortController>();
  readonly #probing = new Set<Promise<void>>();
  readonly #troubles = new Map<string, Trouble>();
  readonly #noRoom = Promise.withResolvers<void>();
  readonly #unwatch: () => void;
  #resolve: () => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(name: string, options: AttemptOptions) {
    this.#name = name;
    this.#options = options;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#unwatch = options.endpoints.watch((changed, now) => {
      if (changed !== name) return;
      if (!now) this.fail(new Problem("unknown_function", `The function "${name}" was removed.`));
      else this.#ready();
    });
  }

  /** Looks at the pods that the cluster makes for the function; resolves when those of now are known. */
  watchPods(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    const { api, namespace } = this.#options;
    this.#pods ??= new Mirror<Pod>({
      api,
      place: { kind: KINDS.pods, namespace },
      labelSelector: `${LABELS.function}=${this.#name}`,
      onChange: (key, pod) => this.#changed(key, pod),
    });
    return Promise.race([this.#pods.synced, this.done]);
  }

  /** Times since the decision at which each step was done, as far as they were seen. */
  get steps(): readonly WakeStep[] {
    return [...this.#steps].map(([name, atMs]) => ({ name, atMs }));
  }

  /**
   * Resolves when a pod serves, or nothing is gained by waiting for it: it waits for room on a node, or for its image.
   */
  async started(over: AbortSignal): Promise<void> {
    const late = delay(START_MS, over);
    await Promise.race([this.done.catch(() => {}), this.#noRoom.promise, late]);
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
    this.#ended = true;
    this.#unwatch();
    for (const probe of this.#probes.values()) probe.abort();
    await Promise.all(this.#probing);
    const { endpoints } = this.#options;
    await endpoints.earlyConfirmed(this.#name, AbortSignal.any([closing, AbortSignal.timeout(CONFIRM_MS)]));
    await this.#pods?.close();
  }

  #changed(key: string, pod: Pod | undefined): void {
    if (!pod || isTerminating(pod)) {
      this.#probes.get(key)?.abort();
      this.#probes.delete(key);
      this.#troubles.delete(key);
      this.#options.endpoints.dropEarly(this.#name, pod?.metadata.uid ?? this.#uids.get(key) ?? "");
      this.#uids.delete(key);
      return;
    }
    this.#uids.set(key, pod.metadata.uid!);
    this.mark("pod");
    const scheduled = condition(pod, "PodScheduled");
    if (scheduled?.status === "True") this.mark("schedule");
    else if (scheduled?.reason === "Unschedulable") this.#noRoom.resolve();
    const trouble = troubleOf(pod);
    if (trouble) {
      this.#troubles.set(key, trouble);
      if (trouble.final) this.fail(noCapacity(`"${this.#name}" does not start: ${withLog(trouble)}`));
    } else this.#troubles.delete(key);
    const host = pod.status?.podIP;
    // Later nobody would stop a probe of a pod that never answers.
    if (host !== undefined && !this.#ended && !this.#probes.has(key)) this.#probe(key, pod, host);
  }

  #probe(key: string, pod: Pod, host: string): void {
    this.mark("container");
    const stop = new AbortController();
    this.#probes.set(key, stop);
    const address = { host, port: PORT };
    const version = versionOf(pod);
    const probing = answersProbe(address, stop.signal, version).then((answered) => {
      this.#probing.delete(probing);
      if (!answered) return;
      this.mark("start");
      this.#options.endpoints.addEarly(this.#name, { id: pod.metadata.uid!, address, version });
      this.#ready();
    });
    this.#probing.add(probing);
  }

  #ready(): void {
    if ((currentOf(this.#options.endpoints.get(this.#name))?.instances.length ?? 0) === 0) return;
    // A pod of the pool had started before.
    if (!this.#steps.has("load")) this.mark("start");
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
