import type { WakeStep } from "../../platform.ts";
import { Problem } from "../../problems.ts";
import type { Cluster } from "../cluster/api.ts";
import { delay, Mirror } from "../cluster/mirror.ts";
import { KINDS, type Pod } from "../cluster/resources.ts";
import type { EndpointsMirror } from "../endpoints/endpoints-mirror.ts";
import { LABELS, PORT } from "../objects/names.ts";
import {
  condition,
  isReady,
  isRestarting,
  isRunning,
  isTerminating,
  restartsOf,
  type Trouble,
  troubleOf,
} from "../objects/pod-state.ts";
import { answersProbe } from "./instance-probe.ts";

/** Time for the cluster to report a pod as ready that has answered a probe. */
const CONFIRM_MS = 30_000;
const CONFIRM_EVERY_MS = 250;
/** A pod that takes longer to start waits for something else than CPU. */
const START_MS = 10_000;
/** A function that has not started this long after its container waits for something else than CPU. */
const RUN_MS = 1_000;

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
  /** Its pods may have crashed before, and are given one more start. */
  readonly isRestart?: boolean;
  /** Its instances are foreign servers: any answer says that one is ready. */
  readonly isForeign?: boolean | undefined;
}

export interface Failure {
  /** The deadline has passed; otherwise waiting longer does not help. */
  readonly isLate: boolean;
  /** Trouble of its pods. */
  readonly trouble: Trouble | undefined;
  /** The function is at fault, not the cluster. */
  readonly isOfCode: boolean;
}

/** A version did not start. */
export class NotReady extends Error implements Failure {
  override readonly name = "NotReady";
  readonly isLate: boolean;
  readonly trouble: Trouble | undefined;
  readonly isOfCode: boolean;

  constructor(message: string, { isLate, trouble, isOfCode }: Failure) {
    super(message);
    this.isLate = isLate;
    this.trouble = trouble;
    this.isOfCode = isOfCode;
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
  /** Pods with a container that runs and does not serve yet, by name. */
  readonly #running = new Set<string>();
  /** Restarts of the pods that had crashed before this start, by name. */
  readonly #crashedBefore = new Map<string, number>();
  readonly #seen = new Set<string>();
  readonly #noRoom = Promise.withResolvers<void>();
  readonly #runs = Promise.withResolvers<void>();
  #isHeld = false;
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

  /** Resolves when the start is done, or waits for something else than CPU: room on a node, an image, the function. */
  async started(over: AbortSignal): Promise<void> {
    const late = delay(START_MS, over);
    const ran = this.#runs.promise.then(() => delay(RUN_MS, over));
    await Promise.race([this.done.catch(() => {}), this.#noRoom.promise, ran, late]);
  }

  /** Resolves when a container of the version runs: from then on the time is that of the function. */
  get runs(): Promise<void> {
    return this.#runs.promise;
  }

  /** Ignores the trouble of pods while something else may still make an instance. */
  holdTrouble(): void {
    this.#isHeld = true;
  }

  releaseTrouble(): void {
    this.#isHeld = false;
    for (const trouble of this.#troubles.values()) this.#failIfFinal(trouble);
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
    const isOfCode = trouble?.isOfCode ?? this.#running.size > 0;
    this.fail(new NotReady(`was ready within ${limit}${why}`, { isLate: true, trouble, isOfCode }));
  }

  #failIfFinal(trouble: Trouble): void {
    if (!trouble.final || this.#isHeld) return;
    const { isOfCode } = trouble;
    this.fail(new NotReady(trouble.message, { isLate: false, trouble, isOfCode }));
  }

  /** Returns whether the pod crashed before this start, and is started again now. */
  #isRestarting(key: string, pod: Pod): boolean {
    if (!this.#wanted.isRestart) return false;
    if (!this.#seen.has(key) && isRestarting(pod)) this.#crashedBefore.set(key, restartsOf(pod));
    this.#seen.add(key);
    const before = this.#crashedBefore.get(key);
    return before !== undefined && isRestarting(pod) && restartsOf(pod) <= before;
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
      this.#running.delete(key);
      return;
    }
    this.mark("pod");
    if (isRunning(pod) && !isReady(pod)) {
      this.#running.add(key);
      this.#runs.resolve();
    } else this.#running.delete(key);
    const scheduled = condition(pod, "PodScheduled");
    if (scheduled?.status === "True") this.mark("schedule");
    else if (scheduled?.reason === "Unschedulable") this.#noRoom.resolve();
    const isFine = isReady(pod) || this.#isRestarting(key, pod);
    const trouble = isFine ? undefined : troubleOf(pod);
    if (trouble) {
      this.#troubles.set(key, trouble);
      this.#failIfFinal(trouble);
    } else this.#troubles.delete(key);
    const host = pod.status?.podIP;
    // After `end` nothing would stop the probe of a pod that never answers.
    if (host !== undefined && !this.#ended && !this.#probes.has(key)) this.#probe(key, pod, host);
  }

  #probe(key: string, pod: Pod, host: string): void {
    this.mark("container");
    const { name, version, isForeign } = this.#wanted;
    const stop = new AbortController();
    const uid = pod.metadata.uid!;
    this.#probes.set(key, { uid, stop });
    const address = { host, port: PORT };
    const { probeEveryMs: everyMs } = this.#options;
    const probing = answersProbe(address, { version, isForeign, signal: stop.signal, everyMs }).then(
      (answered) => {
        this.#probing.delete(probing);
        if (!answered) return;
        this.mark("start");
        this.#options.endpoints.addEarly(name, { id: uid, address, version });
      },
    );
    this.#probing.add(probing);
  }
}
