import type { Traffic } from "../../platform.ts";
import { currentVersion } from "../../traffic.ts";
import { unlessStatus } from "../cluster/api-error.ts";
import type { MirrorTimes } from "../cluster/mirror.ts";
import type { FunctionResource, Pod } from "../cluster/resources.ts";
import { covers } from "../objects/children.ts";
import { functionPlace, keptVersions, publishingSince, trafficOf } from "../objects/function-resource.ts";
import { type Fault, functionStatus } from "../objects/function-status.ts";
import { ANNOTATIONS } from "../objects/names.ts";
import { versionOf } from "../objects/pod-state.ts";
import { ABANDONED_MS } from "../publishing/publish-turns.ts";
import { recover } from "../publishing/recovery.ts";
import { MarkWatch } from "../publishing/turn-mark.ts";
import { ClusterView, type ControlOptions } from "./cluster-view.ts";
import { Declared } from "./declared.ts";
import { KeptList } from "./kept-list.ts";
import { Repair } from "./repair.ts";
import { Takeover } from "./takeover.ts";
import { WorkQueue } from "./work-queue.ts";

export interface ReconcilerOptions extends Omit<ControlOptions, "view" | "children" | "versions"> {
  /** Returns the URL of a function, for `status.url`. */
  readonly urlOf: (name: string) => string;
  readonly times?: MirrorTimes;
  /** For tests; see Takeover. */
  readonly formerRoutersMs?: number;
}

/** Interval at which every function is reconciled, even without events. */
const RESYNC_MS = 5 * 60_000;
/** Time without a renewal after which a deploy is ended. A next deploy takes over sooner. */
const UNRENEWED_MS = 10_000;
/** A shorter deploy does not appear in the status. */
const QUIET_MS = 1_000;

/**
 * Reconciles the cluster with the Functions. It is level-triggered, so lost events do no harm. One leader at a time runs
 * it.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #queue: WorkQueue;
  readonly #view: ClusterView;
  readonly #control: ControlOptions;
  readonly #kept: KeptList;
  readonly #declared: Declared;
  readonly #repair: Repair;
  readonly #takeover: Takeover;
  /** Versions without a Deployment that routers wait for, by function. */
  readonly #waking = new Map<string, Set<number>>();
  /** The marks of the deploys under way, by function. */
  readonly #marks = new Map<string, MarkWatch>();
  readonly #unwatch: () => void;
  readonly #resync: NodeJS.Timeout;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    const { platform, print } = options;
    this.#queue = new WorkQueue({
      work: (name, signal) => this.#reconcile(name, signal),
      onFailure: (name, error) => print(`${name}: ${(error as Error).message}`),
    });
    this.#view = new ClusterView({ ...options, onChange: (name) => this.#queue.add(name) });
    const { children, versions } = platform;
    const shared = { ...options, view: this.#view, children, versions };
    this.#control = shared;
    this.#kept = new KeptList(shared);
    this.#declared = new Declared(shared);
    this.#repair = new Repair(shared);
    this.#takeover = new Takeover(shared);
    this.#unwatch = platform.watchFunctions((name) => this.#queue.add(name));
    this.#resync = setInterval(() => this.#addAll(), RESYNC_MS);
    void this.#synced().then(() => this.#addAll());
  }

  /** Returns the replicas in a version's Deployment; undefined without a Deployment. */
  replicas(name: string, version: number): number | undefined {
    const deployment = this.#view.deployment(name, version);
    return deployment && (deployment.spec.replicas ?? 1);
  }

  pods(name: string): readonly Pod[] {
    return this.#view.pods(name);
  }

  /** Creates the Deployment of a version without traffic that a router waits for. */
  wake(name: string, version: number): void {
    this.#waking.set(name, (this.#waking.get(name) ?? new Set()).add(version));
    this.#queue.add(name);
  }

  async close(): Promise<void> {
    clearInterval(this.#resync);
    this.#unwatch();
    await this.#queue.close();
    await this.#view.close();
  }

  async #reconcile(name: string, signal: AbortSignal): Promise<number | undefined> {
    const { platform, limits } = this.#options;
    await this.#synced();
    const resource = platform.mirror.functions.get(name);
    if (!resource || resource.metadata.deletionTimestamp !== undefined) {
      this.#declared.forget(name);
      this.#waking.delete(name);
      this.#marks.delete(name);
      return undefined;
    }
    const traffic = trafficOf(resource, keptVersions(resource, limits));
    if (publishingSince(resource) !== undefined) return await this.#watchDeploy(resource, traffic);
    this.#marks.delete(name);
    const calls = { traffic: traffic.map(({ version }) => version), configMaps: this.#view.configMaps(name) };
    const records = await this.#kept.sync(resource, calls, signal);
    const current = records.find(({ version }) => version === currentVersion(traffic));
    const fault = await this.#declared.deploy(resource, { records, traffic, current }, signal);
    const waking = this.#waking.get(name) ?? new Set();
    const formerReplicas = (version: number) => this.#takeover.formerReplicas(name, version);
    const isDone = await this.#repair.repair(resource, { records, traffic, waking, formerReplicas });
    if (isDone) this.#waking.delete(name);
    else this.#queue.add(name);
    const takeoverMs = isDone ? await this.#takeover.step(name, traffic) : undefined;
    await this.#report(resource, { traffic, fault, publishing: false });
    return soonest(this.#declared.retryInMs(name), takeoverMs);
  }

  /** Repairs nothing during a deploy, and ends a deploy whose manager has died. */
  async #watchDeploy(resource: FunctionResource, traffic: Traffic): Promise<number | undefined> {
    const { name, annotations } = resource.metadata;
    const mark = this.#marks.get(name) ?? new MarkWatch();
    this.#marks.set(name, mark);
    const sinceMs = Date.now() - publishingSince(resource)!;
    const isRenewed = annotations?.[ANNOTATIONS.publishingBy] !== undefined;
    const leftMs = isRenewed
      ? UNRENEWED_MS - mark.unrenewedMs(resource, performance.now())
      : 2 * this.#options.limits.startMs + ABANDONED_MS - sinceMs;
    if (leftMs <= 0) {
      await recover(resource, this.#control);
      return undefined;
    }
    // Most deploys end before anybody reads the status, and are faster without this write.
    if (sinceMs < QUIET_MS) return QUIET_MS;
    await this.#report(resource, { traffic, fault: undefined, publishing: true });
    return leftMs;
  }

  async #report(resource: FunctionResource, { traffic, fault, publishing }: Report): Promise<void> {
    const { api, namespace, platform, urlOf } = this.#options;
    const { name, uid } = resource.metadata;
    const latest = platform.mirror.functions.get(name);
    if (!latest || latest.metadata.uid !== uid) return;
    const takesCalls = (version: number) => traffic.some((share) => share.version === version);
    const pods = this.#view.pods(name).filter((pod) => takesCalls(versionOf(pod)));
    const deployments = traffic.map(({ version }) => this.#view.deployment(name, version));
    const input = { resource: latest, deployments, pods, fault, publishing, url: urlOf(name) };
    const status = functionStatus(input, new Date());
    if (latest.status && covers(latest.status, status)) return;
    const place = { ...functionPlace(namespace, name), subresource: "status" };
    await unlessStatus(api.patch(place, { status }), 404);
  }

  #synced(): Promise<unknown> {
    return Promise.all([this.#options.platform.synced, this.#view.synced]);
  }

  #addAll(): void {
    for (const { metadata } of this.#options.platform.mirror.functions.values())
      this.#queue.add(metadata.name);
  }
}

interface Report {
  readonly traffic: Traffic;
  readonly fault: Fault | undefined;
  readonly publishing: boolean;
}

function soonest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((each) => each !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
