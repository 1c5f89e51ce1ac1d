import type { Limits } from "../../limits.ts";
import type { Cluster } from "../cluster/api.ts";
import { unlessStatus } from "../cluster/api-error.ts";
import { delay } from "../cluster/mirror.ts";
import { type Deployment, type FunctionResource, KINDS } from "../cluster/resources.ts";
import { idleForMs, loadKey, type RouterLoad } from "../endpoints/load-table.ts";
import type { KubernetesPlatform } from "../kubernetes-platform.ts";
import { keptVersions, publishingSince, trafficOf } from "../objects/function-resource.ts";
import { versionName } from "../objects/names.ts";

export interface SleeperOptions extends Cluster {
  readonly platform: KubernetesPlatform;
  readonly limits: Limits;
  /** Returns the replicas in a version's Deployment; undefined without a Deployment. */
  readonly replicas: (name: string, version: number) => number | undefined;
  /** Creates the Deployment of a version that a router waits for. */
  readonly wake: (name: string, version: number) => void;
  /** Reads the load at every router; undefined if a router does not answer, and then no version is idle. */
  readonly loads: (signal: AbortSignal) => Promise<readonly RouterLoad[] | undefined>;
  readonly print: (line: string) => void;
  readonly everyMs?: number;
}

const EVERY_MS = 1_000;

/** A version that has been awake for its idle time. */
export interface Due {
  readonly name: string;
  readonly version: number;
  readonly idleMs: number;
}

/**
 * Reads the load of the routers. Scales idle versions to 0, and wakes versions without a Deployment that a call waits for.
 * The leader runs it.
 */
export class Sleeper {
  readonly #options: SleeperOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  /** Since when a version is awake. A new leader and a new instance restart its idle time. */
  readonly #awakeSince = new Map<string, number>();

  constructor(options: SleeperOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#check(signal);
      } catch (error) {
        if (!signal.aborted) this.#options.print(`the load cannot be read: ${(error as Error).message}`);
      }
      await delay(this.#options.everyMs ?? EVERY_MS, signal);
    }
  }

  async #check(signal: AbortSignal): Promise<void> {
    const { platform } = this.#options;
    const nowMs = performance.now();
    const awake = [...platform.mirror.functions.values()].flatMap((resource) => this.#awake(resource));
    const keys = new Set(awake.map(({ name, version }) => loadKey(name, version)));
    for (const key of this.#awakeSince.keys()) if (!keys.has(key)) this.#awakeSince.delete(key);
    for (const key of keys) if (!this.#awakeSince.has(key)) this.#awakeSince.set(key, nowMs);
    const due = awake.filter(({ name, version, idleMs }) => {
      return nowMs - this.#awakeSince.get(loadKey(name, version))! >= idleMs;
    });
    const loads = await this.#options.loads(signal);
    this.#wakeMissing(loads ?? []);
    const idle = idleOnes(due, loads);
    if (idle.length > 0) await this.#sleep(idle, signal);
  }

  /** Returns the versions of a function that have pods and may sleep. */
  #awake(resource: FunctionResource): Due[] {
    const { limits, replicas } = this.#options;
    const { name, deletionTimestamp } = resource.metadata;
    if (deletionTimestamp !== undefined || publishingSince(resource) !== undefined) return [];
    const kept = keptVersions(resource, limits);
    const traffic = trafficOf(resource, kept);
    return kept.flatMap(({ version, min, idleMs }) => {
      const takesCalls = traffic.some((share) => share.version === version);
      const maySleep = (!takesCalls || min === 0) && (replicas(name, version) ?? 0) > 0;
      return maySleep ? [{ name, version, idleMs }] : [];
    });
  }

  async #sleep(idle: readonly Due[], signal: AbortSignal): Promise<void> {
    const { api, namespace, platform, loads } = this.#options;
    const deployments = new Map<Due, Deployment | undefined>();
    // Read before the load: a call after that changes the Deployment or wakes the version again.
    for (const due of idle) {
      const place = { kind: KINDS.deployments, namespace, name: versionName(due.name, due.version) };
      deployments.set(due, await api.get<Deployment>(place, { signal }));
    }
    for (const due of idleOnes(idle, await loads(signal))) {
      const deployment = deployments.get(due);
      if (!deployment || deployment.spec.replicas === 0) continue;
      const scale = async () => {
        await platform.children.scale(due, 0, deployment.metadata.resourceVersion);
        this.#awakeSince.delete(loadKey(due.name, due.version));
      };
      // After a concurrent change the next check decides.
      await unlessStatus(scale(), 404, 409);
    }
  }

  #wakeMissing(loads: readonly RouterLoad[]): void {
    const { replicas, wake, platform } = this.#options;
    const busy = loads.flatMap(({ versions }) => Object.keys(versions).filter((key) => versions[key]!.busy));
    for (const key of new Set(busy)) {
      const [name = "", version] = key.split("@");
      const isKept = platform.mirror.kept(name, Number(version)) !== undefined;
      if (isKept && replicas(name, Number(version)) === undefined) wake(name, Number(version));
    }
  }
}

/** Returns the versions without a call at any router; none if the load of a router is missing. */
export function idleOnes(due: readonly Due[], loads: readonly RouterLoad[] | undefined): Due[] {
  if (!loads || loads.length === 0) return [];
  return due.filter(({ name, version, idleMs }) => idleForMs(loadKey(name, version), loads) >= idleMs);
}
