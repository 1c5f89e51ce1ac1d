import type { Limits } from "../../limits.ts";
import type { Cluster } from "../cluster/api.ts";
import { unlessStatus } from "../cluster/api-error.ts";
import { delay } from "../cluster/mirror.ts";
import { type KeptVersion, KINDS, type Pod } from "../cluster/resources.ts";
import type { RouterLoad } from "../endpoints/load-table.ts";
import type { KubernetesPlatform } from "../kubernetes-platform.ts";
import { keptVersions, publishingSince, trafficOf } from "../objects/function-resource.ts";
import { GROUP, LABELS, versionName } from "../objects/names.ts";
import { isTerminating, versionOf } from "../objects/pod-state.ts";
import { type OncePlan, onceLoadOf, planOnce } from "./once-plan.ts";

const EVERY_MS = 250;
/** A router may report a call this much later. */
const LATE_MS = 1_000;
/** Unused pods over the pool are deleted after this time: calls come in bursts. */
const SPARE_MS = 10_000;
/** Beyond the time of a start. */
const OVERDUE_MS = 15_000;

export interface OnceKeeperOptions extends Cluster {
  readonly platform: KubernetesPlatform;
  readonly limits: Limits;
  /** Replicas of a version's Deployment; undefined without one. */
  readonly replicas: (name: string, version: number) => number | undefined;
  /** The pods of a function. */
  readonly pods: (name: string) => readonly Pod[];
  /** The load at every router; undefined if a router does not answer. */
  readonly loads: (signal: AbortSignal) => Promise<readonly RouterLoad[] | undefined>;
  readonly print: (line: string) => void;
  readonly everyMs?: number;
}

/**
 * Keeps unused pods for versions whose instances take one call each (`isolation: call`): a used pod leaves its ReplicaSet,
 * which makes another one, and is deleted when its call has ended. The leader runs it.
 */
export class OnceKeeper {
  readonly #options: OnceKeeperOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  /** Since when a version has more unused pods than it needs, by name of its Deployment. */
  readonly #spareSince = new Map<string, number>();
  /** Since when a used pod has no call, by uid. */
  readonly #idleSince = new Map<string, number>();

  constructor(options: OnceKeeperOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const { everyMs = EVERY_MS, print } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#check(signal);
      } catch (error) {
        if (!signal.aborted) print(`instances for one call cannot be kept: ${(error as Error).message}`);
      }
      await delay(everyMs, signal);
    }
  }

  async #check(signal: AbortSignal): Promise<void> {
    const { platform, limits, loads: read } = this.#options;
    const once = [...platform.mirror.functions.values()].flatMap((resource) => {
      if (resource.metadata.deletionTimestamp !== undefined) return [];
      const kept = keptVersions(resource, limits);
      const versions = kept.filter(({ isolation }) => isolation === "call");
      return versions.length > 0 ? [{ resource, kept, versions }] : [];
    });
    if (once.length === 0) return;
    const loads = await read(signal);
    // Without the load of all routers a pod may have a call that nobody has seen.
    if (loads === undefined) return;
    const idle: Pod[] = [];
    for (const { resource, kept, versions } of once) {
      const { name, uid = "" } = resource.metadata;
      const traffic = trafficOf(resource, kept);
      const isPublishing = publishingSince(resource) !== undefined;
      for (const version of versions) {
        const takesCalls = traffic.some((share) => share.version === version.version);
        idle.push(...(await this.#keep({ name, uid, version, takesCalls, isPublishing }, loads)));
      }
    }
    await this.#removeIdle(idle);
  }

  /** Returns the used pods without a call. */
  async #keep(
    { name, uid, version: kept, takesCalls, isPublishing }: Kept,
    loads: readonly RouterLoad[],
  ): Promise<readonly Pod[]> {
    const { platform, pods, replicas, limits } = this.#options;
    const { version, max, pool = 1 } = kept;
    const plan = planOnce({
      pods: pods(name).filter((pod) => versionOf(pod) === version),
      load: onceLoadOf(name, version, loads),
      settings: { min: takesCalls ? kept.min : 0, max, pool },
      replicas: replicas(name, version) ?? 0,
      overdueMs: limits.startMs + OVERDUE_MS,
      nowMs: Date.now(),
    });
    if (plan.replicas === undefined) this.#spareSince.delete(versionName(name, version));
    for (const pod of plan.detach) await this.#detach(pod, { name, uid });
    if (plan.replicas !== undefined && !isPublishing && this.#isDue(versionName(name, version), plan)) {
      await unlessStatus(platform.children.scale({ name, version }, plan.replicas), 404, 409);
    }
    return plan.remove;
  }

  /** Unused pods over the pool stay for a while, unless they take the room of others. */
  #isDue(key: string, { isShrinking, isOverMost }: OncePlan): boolean {
    if (!isShrinking || isOverMost) {
      this.#spareSince.delete(key);
      return true;
    }
    const sinceMs = this.#spareSince.get(key) ?? performance.now();
    this.#spareSince.set(key, sinceMs);
    if (performance.now() - sinceMs < SPARE_MS) return false;
    this.#spareSince.delete(key);
    return true;
  }

  async #detach({ metadata }: Pod, { name, uid }: { name: string; uid: string }): Promise<void> {
    const { api, namespace } = this.#options;
    const patch = {
      metadata: {
        uid: metadata.uid,
        labels: { [LABELS.templateHash]: null, [LABELS.spent]: "true" },
        // The cluster deletes it with the function.
        ownerReferences: [{ apiVersion: `${GROUP}/v1`, kind: "Function", name, uid }],
      },
    };
    await unlessStatus(api.patch({ kind: KINDS.pods, namespace, name: metadata.name }, patch), 404, 409);
  }

  async #removeIdle(pods: readonly Pod[]): Promise<void> {
    const { api, namespace } = this.#options;
    const nowMs = performance.now();
    const uids = new Set(pods.map(({ metadata }) => metadata.uid));
    for (const uid of this.#idleSince.keys()) if (!uids.has(uid)) this.#idleSince.delete(uid);
    for (const pod of pods) {
      const { name, uid = "" } = pod.metadata;
      const sinceMs = this.#idleSince.get(uid) ?? nowMs;
      this.#idleSince.set(uid, sinceMs);
      if (nowMs - sinceMs < LATE_MS || isTerminating(pod)) continue;
      await unlessStatus(api.delete({ kind: KINDS.pods, namespace, name }, "Background", { uid }), 409);
    }
  }
}

interface Kept {
  readonly name: string;
  readonly uid: string;
  readonly version: KeptVersion;
  readonly takesCalls: boolean;
  readonly isPublishing: boolean;
}
