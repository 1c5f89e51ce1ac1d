import { pageOf } from "../../listing/pages.ts";
import type { FunctionDescription, FunctionSummary, Page } from "../../platform.ts";
import type { Cluster } from "../cluster/api.ts";
import { delay, Mirror, type MirrorTimes } from "../cluster/mirror.ts";
import { type Deployment, KINDS, type Kind, type Pod, type Resource } from "../cluster/resources.ts";
import type { EndpointsMirror } from "../endpoints/endpoints-mirror.ts";
import { LABELS } from "../objects/names.ts";
import { ObjectsByFunction } from "../objects/objects-by-function.ts";
import { recordsOf, type VersionRecord } from "../versions/versions.ts";
import { type Described, describeFunction, summarize } from "./describe-function.ts";

/** An open page of all functions asks every few seconds. */
const IDLE_MS = 60_000;
/** The longest wait for the first list. */
const SYNC_MS = 5_000;

export interface OverviewOptions extends Cluster {
  readonly endpoints: Pick<EndpointsMirror, "functions">;
  /** Combines the objects of a function; undefined if users do not see it. */
  readonly combine: (name: string, records: readonly VersionRecord[]) => Described | undefined;
  readonly times?: MirrorTimes | undefined;
  readonly idleMs?: number | undefined;
}

/**
 * Describes functions from memory. It watches their objects from the first page that somebody reads until a minute after
 * the last one, so that an open page costs no requests.
 */
export class Overview {
  readonly #options: OverviewOptions;
  readonly #closing = new AbortController();
  #watches: Watches | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: OverviewOptions) {
    this.#options = options;
  }

  /** Returns undefined while a watch is broken or the first list takes too long: read the API server then. */
  async describePage(page: Page): Promise<(FunctionDescription | FunctionSummary)[] | undefined> {
    const { endpoints, combine } = this.#options;
    const watches = await this.#current();
    if (watches === undefined) return undefined;
    const names = page.names ?? [...endpoints.functions.values()].map(({ metadata }) => metadata.name);
    const described: (FunctionDescription | FunctionSummary)[] = [];
    for (const name of pageOf(names, page.after)) {
      if (described.length === page.limit) break;
      const combined = combine(name, watches.records(name));
      if (combined === undefined) continue;
      described.push(describeFunction(combined, watches.running(name)) ?? summarize(combined));
    }
    return described;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#stop();
  }

  async #current(): Promise<Watches | undefined> {
    const { signal } = this.#closing;
    if (signal.aborted) return undefined;
    const { endpoints, idleMs = IDLE_MS } = this.#options;
    this.#watches ??= new Watches(this.#options);
    const watches = this.#watches;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.#stop(), idleMs).unref();
    if (!watches.isCurrent) {
      const waiting = new AbortController();
      await Promise.race([watches.synced, delay(SYNC_MS, AbortSignal.any([signal, waiting.signal]))]);
      waiting.abort();
    }
    return watches.isCurrent && isCurrent(endpoints.functions) ? watches : undefined;
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#idle);
    const watches = this.#watches;
    this.#watches = undefined;
    await watches?.close();
  }
}

type Watch = Pick<Mirror<Resource>, "synced" | "isSynced" | "trouble" | "close">;

/** Copies of the objects that belong to functions. */
class Watches {
  readonly #parts = new ObjectsByFunction<Resource>();
  readonly #deployments = new ObjectsByFunction<Deployment>();
  readonly #pods = new ObjectsByFunction<Pod>();
  /** Versions by function, until one of its ConfigMaps changes. */
  readonly #records = new Map<string, readonly VersionRecord[]>();
  readonly #mirrors: readonly Watch[];

  constructor({ api, namespace, times }: OverviewOptions) {
    const watch = <T extends Resource>(kind: Kind, objects: ObjectsByFunction<T>): Watch =>
      new Mirror<T>({
        ...{ api, times, place: { kind, namespace } },
        labelSelector: kind === KINDS.configMaps ? `${LABELS.function},${LABELS.part}` : LABELS.function,
        metadataOnly: kind === KINDS.configMaps,
        onChange: (key, object) => {
          const name = objects.set(key, object);
          if (name !== undefined && kind === KINDS.configMaps) this.#records.delete(name);
        },
      });
    this.#mirrors = [
      watch(KINDS.configMaps, this.#parts),
      watch(KINDS.deployments, this.#deployments),
      watch(KINDS.pods, this.#pods),
    ];
  }

  get synced(): Promise<unknown> {
    return Promise.all(this.#mirrors.map((mirror) => mirror.synced));
  }

  get isCurrent(): boolean {
    return this.#mirrors.every(isCurrent);
  }

  records(name: string): readonly VersionRecord[] {
    const records = this.#records.get(name) ?? recordsOf([...this.#parts.of(name)]);
    this.#records.set(name, records);
    return records;
  }

  running(name: string): { pods: readonly Pod[]; deployments: readonly Deployment[] } {
    return { pods: [...this.#pods.of(name)], deployments: [...this.#deployments.of(name)] };
  }

  async close(): Promise<void> {
    await Promise.all(this.#mirrors.map((mirror) => mirror.close()));
  }
}

function isCurrent({ isSynced, trouble }: Pick<Watch, "isSynced" | "trouble">): boolean {
  return isSynced && trouble === undefined;
}
