import type { WakeStep } from "../../platform.ts";
import { Problem } from "../../problems.ts";
import type { Cluster } from "../cluster/api.ts";
import { delay, Mirror } from "../cluster/mirror.ts";
import { KINDS, type Pod } from "../cluster/resources.ts";
import type { EndpointsMirror } from "../endpoints/endpoints-mirror.ts";
import { LABELS, PORT } from "../objects/names.ts";
import { condition, isReady, isTerminating, type Trouble, troubleOf } from "../objects/pod-state.ts";
import { answersProbe } from "./instance-probe.ts";

/** Time for the cluster to report a pod as ready that has answered a probe. */
const CONFIRM_MS = 30_000;
const CONFIRM_EVERY_MS = 250;
/** A pod that takes longer to start waits for something else than CPU. */
const START_MS = 10_000;

export interface StartOptions extends Cluster {
  readonly endpoints: EndpointsMirror;
  /** Time between two probes of a pod in milliseconds; default 10. */
  readonly probeEveryMs?: number;
}

export interface Wanted {
  readonly name: string;
  /** Uid of the Function. */
  readonly uid: string;
  readonly version: number;
  /** Ready instances to wait for, without those in `leaving`. */
  readonly count: number;
  readonly leaving?: readonly { readonly id: string }[];
}

/** A version did not start. */
export class NotReady extends Error {
  override readonly name = "NotReady";
  /** The deadline has passed; otherwise waiting longer does not help. */
  readonly isLate: boolean;
  /** Trouble of its pods. */
  readonly trouble: Trouble | undefined;

  constructor(message: string, { isLate, trouble }: { isLate: boolean; trouble: Trouble | undefined }) {
    super(message);
    this.isLate = isLate;
    this.trouble = trouble;
  }
}

/**
 * Waits for instances of a version. Probes new pods and adds those that answer to the endpoints: the kubelet's probe and
 * the EndpointSlice are up to a second later.
 */
export class Start {
  /** Resolves when `count` instances are ready. Rejects with `unknown_function`, or NotReady if a pod cannot start. */
  readonly done: Promise<void>;
  readonly #done = Promise.withResolvers<void>();
  readonly #wanted: Wanted;
  readonly #options: StartOptions;
  readonly #startedMs = performance.now();
  readonly #steps = new Map<WakeStep["name"], number>();
  #pods: Mirror<Pod> | undefined;
  #ended = false;
  #wasFound = false;
  /** The pods under probe, by name. */
  readonly #probes = new Map<string, { readonly uid: string; readonly stop: AbortController }>();
  readonly #probing = new Set<Promise<void>>();
  readonly #troubles = new Map<string, Trouble>();
  readonly #noRoom = Promise.withResolvers<void>();
  readonly #unwatch: () => void;

  constructor(wanted: Wanted, options: StartOptions) {
    this.#wanted = wanted;
    this.#options = options;
    this.done = this.#done.promise;
    // It may reject before anybody awaits it.
    this.done.catch(() => {});
    this.#unwatch = options.endpoints.watchPods((name) => {
      if (name === wanted.name) this.#check();
    });
    this.#check();
  }

  /** Watches the pods of the version; resolves when the existing pods are listed. */
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

  /** Returns the time of each observed step since the decision to start. */
  get steps(): readonly WakeStep[] {
    return [...this.#steps].map(([name, atMs]) => ({ name, atMs }));
  }

  /** Resolves when the start is done, or the pod waits for room on a node or for its image. */
  async started(over: AbortSignal): Promise<void> {
    const late = delay(START_MS, over);
    await Promise.race([this.done.catch(() => {}), this.#noRoom.promise, late]);
  }

  mark(step: WakeStep["name"]): void {
    if (!this.#steps.has(step)) this.#steps.set(step, performance.now() - this.#startedMs);
  }

  fail(error: unknown): void {
    this.#done.reject(error);
  }

  /** Fails because the deadline `limit` has passed. The reason is the trouble of a pod, or `refusal` without pods. */
  expire(limit: string, refusal?: Trouble): void {
    const trouble = [...this.#troubles.values()][0] ?? refusal;
    const why = trouble === undefined ? "" : `: ${trouble.message}`;
    this.fail(new NotReady(`was ready within ${limit}${why}`, { isLate: true, trouble }));
  }

  /** Stops the probes, and watches early pods until the cluster has confirmed them. */
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

  #check(): void {
    const { endpoints } = this.#options;
    const { name, uid, version, count, leaving = [] } = this.#wanted;
    const resource = endpoints.functions.get(name);
    const isThere = resource?.metadata.uid === uid && resource.metadata.deletionTimestamp === undefined;
    this.#wasFound ||= isThere;
    // The watch may not have delivered a new Function yet.
    if (!isThere && (this.#wasFound || resource?.metadata.uid === uid)) {
      this.fail(new Problem("unknown_function", `The function "${name}" was removed.`));
    }
    const ready = endpoints.ready(name, version).filter(({ id }) => leaving.every((each) => each.id !== id));
    if (ready.length < count) return;
    // A pod of the pool started earlier.
    if (!this.#steps.has("load")) this.mark("start");
    this.#done.resolve();
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
    // After `end` nothing would stop the probe of a pod that never answers.
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
