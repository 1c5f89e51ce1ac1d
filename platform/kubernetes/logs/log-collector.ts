import type { KubeApi } from "../cluster/api.ts";
import { Mirror, type MirrorTimes } from "../cluster/mirror.ts";
import { KINDS, type Pod } from "../cluster/resources.ts";
import { LABELS } from "../objects/names.ts";
import { PodCollector, type PodCollectorOptions } from "./pod-collector.ts";
import { hasStarted } from "./pod-log.ts";
import { isAtWork, readerOf } from "./pod-owner.ts";

export interface LogCollectorOptions extends Pick<PodCollectorOptions, "sink" | "exists"> {
  readonly api: KubeApi;
  /** Namespace of the functions. */
  readonly namespace: string;
  /** The pods of the managers, which share the work. */
  readonly managers: { readonly namespace: string; readonly labelSelector: string };
  /** Name of this manager's pod. */
  readonly identity: string;
  /** Prints one line for people. */
  readonly print: (line: string) => void;
  readonly times?: MirrorTimes | undefined;
}

/** Brings the lines of all pods of functions to the store. Managers share the pods; each reads its part. */
export class LogCollector {
  readonly #options: LogCollectorOptions;
  readonly #managers: Mirror<Pod>;
  readonly #pods: Mirror<Pod>;
  /** By uid of the pod. */
  readonly #reading = new Map<string, PodCollector>();
  readonly #closing = new Set<Promise<void>>();
  #trouble: string | undefined;
  #isClosed = false;

  constructor(options: LogCollectorOptions) {
    this.#options = options;
    const { api, namespace, managers, times } = options;
    const onTrouble = (reason: string) => options.print(`logs cannot be collected: ${reason}`);
    const shared = { api, times, onTrouble };
    this.#managers = new Mirror<Pod>({
      ...shared,
      place: { kind: KINDS.pods, namespace: managers.namespace },
      labelSelector: managers.labelSelector,
      onChange: () => this.#shareAll(),
    });
    this.#pods = new Mirror<Pod>({
      ...shared,
      place: { kind: KINDS.pods, namespace },
      labelSelector: LABELS.function,
      onChange: (_, pod) => pod && this.#share(pod),
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#managers.close(), this.#pods.close()]);
    for (const uid of [...this.#reading.keys()]) this.#stop(uid);
    await Promise.all(this.#closing);
  }

  #shareAll(): void {
    for (const pod of this.#pods.values()) this.#share(pod);
  }

  #share(pod: Pod): void {
    const { uid = pod.metadata.name } = pod.metadata;
    const { identity } = this.#options;
    if (this.#isClosed || !hasStarted(pod)) return;
    if (readerOf(uid, this.#atWork()) !== identity) this.#stop(uid);
    else if (!this.#reading.has(uid)) this.#start(uid, pod);
  }

  /** This manager counts, although it may not be ready yet. */
  #atWork(): string[] {
    const others = [...this.#managers.values()].filter(isAtWork).map(({ metadata }) => metadata.name);
    return [...new Set([this.#options.identity, ...others])];
  }

  #start(uid: string, pod: Pod): void {
    const { api, namespace, sink, exists } = this.#options;
    const onTrouble = (reason: string | undefined) => this.#report(reason);
    const onUnreadable = (name: string, reason: string) => this.#options.print(`pod ${name}: ${reason}`);
    const collector = new PodCollector(pod, { api, namespace, sink, exists, onTrouble, onUnreadable });
    this.#reading.set(uid, collector);
    void collector.ended.then(() => {
      if (this.#reading.get(uid) === collector) this.#reading.delete(uid);
    });
  }

  #stop(uid: string): void {
    const collector = this.#reading.get(uid);
    if (collector === undefined) return;
    this.#reading.delete(uid);
    const closing = collector.close();
    this.#closing.add(closing);
    void closing.finally(() => this.#closing.delete(closing));
  }

  /** Prints each outage once. */
  #report(reason: string | undefined): void {
    if (reason !== undefined && this.#trouble === undefined) {
      this.#options.print(`log lines wait in their pods, because the store does not take them: ${reason}`);
    }
    this.#trouble = reason;
  }
}
