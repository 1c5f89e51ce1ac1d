import type { Limits } from "../../limits.ts";
import type { KubeApi } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import { delay } from "../cluster/mirror.ts";
import { type Deployment, type FunctionResource, KINDS } from "../cluster/resources.ts";
import { idleForMs, type RouterLoad } from "../endpoints/load-table.ts";
import type { KubernetesPlatform } from "../kubernetes-platform.ts";
import { settingsOf } from "../objects/function-spec.ts";
import { publishingSince } from "../objects/function-state.ts";
import { deploymentName } from "../objects/names.ts";

export interface SleeperOptions {
  readonly api: KubeApi;
  readonly platform: KubernetesPlatform;
  readonly namespace: string;
  readonly limits: Limits;
  /** How many pods a function should have; undefined if that is not known. */
  readonly replicas: (name: string) => number | undefined;
  /** The load at every router there is; undefined if one of them did not answer, which means: not idle. */
  readonly loads: (signal: AbortSignal) => Promise<readonly RouterLoad[] | undefined>;
  readonly print: (line: string) => void;
  readonly everyMs?: number;
}

const EVERY_MS = 1_000;

/** Sends functions to sleep that no router had a call for; the leader runs it. */
export class Sleeper {
  readonly #options: SleeperOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  /** Since when a function is known to be awake: a new leader, and a new instance, gives it its whole time. */
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
        await this.#look(signal);
      } catch (error) {
        if (!signal.aborted)
          this.#options.print(`idle functions cannot be looked for: ${(error as Error).message}`);
      }
      await delay(this.#options.everyMs ?? EVERY_MS, signal);
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { platform, limits } = this.#options;
    const nowMs = performance.now();
    const due: { name: string; idleMs: number }[] = [];
    const awake = new Set<string>();
    for (const resource of platform.mirror.functions.values()) {
      const { name } = resource.metadata;
      if (!this.#options.replicas(name) || !maySleep(resource)) continue;
      awake.add(name);
      const since = this.#awakeSince.get(name) ?? nowMs;
      this.#awakeSince.set(name, since);
      const { min, idleMs } = settingsOf(resource.spec, limits);
      if (min === 0 && nowMs - since >= idleMs) due.push({ name, idleMs });
    }
    for (const name of this.#awakeSince.keys()) if (!awake.has(name)) this.#awakeSince.delete(name);
    if (due.length > 0) await this.#ask(due, signal);
  }

  async #ask(due: readonly { name: string; idleMs: number }[], signal: AbortSignal): Promise<void> {
    const { api, namespace, loads } = this.#options;
    const place = { kind: KINDS.deployments, namespace };
    // Read before the load: a call after that question finds the Deployment changed or wakes it anew.
    const deployments = new Map<string, Deployment | undefined>();
    const names = idleOnes(due, await loads(signal));
    for (const name of names) {
      deployments.set(name, await api.get<Deployment>({ ...place, name: deploymentName(name) }, { signal }));
    }
    if (names.length === 0) return;
    const idle = idleOnes(
      due.filter(({ name }) => names.includes(name)),
      await loads(signal),
    );
    for (const name of idle) await this.#sleep(name, deployments.get(name));
  }

  async #sleep(name: string, deployment: Deployment | undefined): Promise<void> {
    if (!deployment || deployment.spec.replicas === 0) return;
    try {
      await this.#options.platform.children.scale(name, 0, deployment.metadata.resourceVersion);
      this.#awakeSince.delete(name);
    } catch (error) {
      // It changed meanwhile: the next look decides.
      if (!hasStatus(error, 409) && !hasStatus(error, 404)) throw error;
    }
  }
}

function maySleep(resource: FunctionResource): boolean {
  return resource.metadata.deletionTimestamp === undefined && publishingSince(resource) === undefined;
}

/** The functions that no router had a call for. If a router is missing, none. */
export function idleOnes(
  due: readonly { name: string; idleMs: number }[],
  loads: readonly RouterLoad[] | undefined,
): string[] {
  if (!loads || loads.length === 0) return [];
  return due.filter(({ name, idleMs }) => idleForMs(name, loads) >= idleMs).map(({ name }) => name);
}
