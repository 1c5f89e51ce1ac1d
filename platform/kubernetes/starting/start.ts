import type { WakeStep } from "../../platform.ts";
import { Problem } from "../../problems.ts";
import type { KubeApi } from "../cluster/api.ts";
import { delay, Mirror } from "../cluster/mirror.ts";
import { KINDS, type Pod } from "../cluster/resources.ts";
import type { EndpointsMirror } from "../endpoints/endpoints-mirror.ts";
import { LABELS, PORT } from "../objects/names.ts";
import { condition, isReady, isTerminating, type Trouble, troubleOf } from "../objects/pod-state.ts";
import { answersProbe } from "./instance-probe.ts";

/** Time that the cluster has to report a pod as ready that has answered us. */
const CONFIRM_MS = 30_000;
const CONFIRM_EVERY_MS = 250;
/** A pod that takes longer to start waits for something else than processors. */
const START_MS = 10_000;

export interface StartOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly endpoints: EndpointsMirror;
  /** Time between two probes of a pod in milliseconds; default 10. */
  readonly probeEveryMs?: number;
}

export interface Wanted {
  readonly name: string;
  /** Of the Function. */
  readonly uid: string;
  readonly version: number;
  /** Ready instances that it should have, besides those that are leaving. */
  readonly count: number;
  readonly leaving?: readonly { readonly id: string }[];
}

/** A version that does not start. */
export class NotReady extends Error {
  override readonly name = "NotReady";
  /** The time is over; otherwise waiting longer would not help. */
  readonly isLate: boolean;
  /** What its pods report. */
  readonly trouble: Trouble | undefined;

  constructor(message: string, { isLate, trouble }: { isLate: boolean; trouble: Trouble | undefined }) {
    super(message);
    this.isLate = isLate;
    this.trouble = trouble;
  }
}

/**
 * Waits for instances of a version. Probes new pods itself and sends calls there at once; the kubelet's probe and the
 * EndpointSlice report the same up to a second later.
 */
export class Start {
  /** Resolves when there are as many; rejects with `unknown_function`, or NotReady when a pod cannot start. */
  readonly done: Promise<void>;
  readonly #wanted: Wanted;
  readonly #options: StartOptions;
  readonly #startedMs = performance.now();
  readonly #steps = new Map<WakeStep["name"], number>();
  #pods: Mirror<Pod> | undefined;
  #ended = false;
  #wasSeen = false;
  /** The pods that were seen, with the ends of their probes. */
  readonly #probes = new Map<string, { readonly uid: string; readonly stop: AbortController }>();
  readonly #probing = new Set<Promise<void>>();
  readonly #troubles = new Map<string, Trouble>();
  readonly #noRoom = Promise.withResolvers<void>();
  readonly #unwatch: () => void;
  #resolve: () => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(wanted: Wanted, options: StartOptions) {
    this.#wanted = wanted;
    this.#options = options;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // It may fail before anybody waits for it.
    this.done.catch(() => {});
    this.#unwatch = options.endpoints.watchPods((name) => {
      if (name === wanted.name) this.#look();
    });
    this.#look();
  }

  /** Watches the pods that the cluster makes for the version; resolves when the present ones are known. */
  watchPods(): Promise<void> {
    if (this.#ended) return Promise.resolve();
    const { api, namespace } = this.#options;
    const { name, version } = this.#wanted;
    this.#pods ??= new Mirror<Pod>({
      api,
      place: { kind: KINDS.pods, namespace },
      labelSelector: `${LABELS.function}=${name},${LABELS.version}=${version}`,
      onChange: (key, pod) => this.#changed(key, pod),
    });
    return Promise.race([this.#pods.synced, this.done]);
  }

  /** Times since the decision at which each step was done, as far as they were seen. */
  get steps(): readonly WakeStep[] {
    return [...this.#steps].map(([name, atMs]) => ({ name, atMs }));
  }

  /** Resolves when it is done, or waiting gains nothing: the pod waits for room on a node, or for its image. */
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

  /** Fails because the time of `limit` is over; its pods say why, or `refusal` where there are none. */
  expire(limit: string, refusal?: Trouble): void {
    const trouble = [...this.#troubles.values()][0] ?? refusal;
    const why = trouble === undefined ? "" : `: ${trouble.message}`;
    this.fail(new NotReady(`was ready within ${limit}${why}`, { isLate: true, trouble }));
  }

  /** Releases everything; pods that were added early are watched until the cluster has confirmed them. */
  async end(closing: AbortSignal): Promise<void> {
    this.#ended = true;
    this.#unwatch();
    for (const { stop } of this.#probes.values()) stop.abort();
    await Promise.all(this.#probing);
    const { endpoints } = this.#options;
    const { name } = this.#wanted;
    const until = AbortSignal.any([closing, AbortSignal.timeout(CONFIRM_MS)]);
    const early = () => [...this.#probes.values()].filter(({ uid }) => endpoints.isEarly(name, uid));
    while (early().length > 0 && !until.aborted) await delay(CONFIRM_EVERY_MS, until);
    for (const { uid } of early()) endpoints.dropEarly(name, uid);
    await this.#pods?.close();
  }

  #look(): void {
    const { endpoints } = this.#options;
    const { name, uid, version, count, leaving = [] } = this.#wanted;
    const resource = endpoints.functions.get(name);
    const isThere = resource?.metadata.uid === uid && resource.metadata.deletionTimestamp === undefined;
    this.#wasSeen ||= isThere;
    // A Function that was made just now may not be seen yet.
    if (!isThere && (this.#wasSeen || resource?.metadata.uid === uid)) {
      this.fail(new Problem("unknown_function", `The function "${name}" was removed.`));
    }
    const ready = endpoints.ready(name, version).filter(({ id }) => leaving.every((each) => each.id !== id));
    if (ready.length < count) return;
    // A pod of the pool had started before.
    if (!this.#steps.has("load")) this.mark("start");
    this.#resolve();
  }

  #changed(key: string, pod: Pod | undefined): void {
    if (!pod || isTerminating(pod)) {
      const probe = this.#probes.get(key);
      probe?.stop.abort();
      this.#troubles.delete(key);
      if (probe) this.#options.endpoints.dropEarly(this.#wanted.name, probe.uid);
      this.#probes.delete(key);
      return;
    }
    this.mark("pod");
    const scheduled = condition(pod, "PodScheduled");
    if (scheduled?.status === "True") this.mark("schedule");
    else if (scheduled?.reason === "Unschedulable") this.#noRoom.resolve();
    const trouble = isReady(pod) ? undefined : troubleOf(pod);
    if (trouble) {
      this.#troubles.set(key, trouble);
      if (trouble.final) this.fail(new NotReady(trouble.message, { isLate: false, trouble }));
    } else this.#troubles.delete(key);
    const host = pod.status?.podIP;
    // Nothing would stop a probe of a pod that never answers once this has ended.
    if (host !== undefined && !this.#ended && !this.#probes.has(key)) this.#probe(key, pod, host);
  }

  #probe(key: string, pod: Pod, host: string): void {
    this.mark("container");
    const { name, version } = this.#wanted;
    const stop = new AbortController();
    const uid = pod.metadata.uid!;
    this.#probes.set(key, { uid, stop });
    const address = { host, port: PORT };
    const { probeEveryMs: everyMs } = this.#options;
    const probing = answersProbe(address, { version, signal: stop.signal, everyMs }).then((answered) => {
      this.#probing.delete(probing);
      if (!answered) return;
      this.mark("start");
      this.#options.endpoints.addEarly(name, { id: uid, address, version });
    });
    this.#probing.add(probing);
  }
}
