import type { Cluster } from "../cluster/api.ts";
import { delay } from "../cluster/mirror.ts";
import type { Pod } from "../cluster/resources.ts";
import { LABELS } from "../objects/names.ts";
import { followPod, type StampedLine } from "./pod-log.ts";

const WRITE_MS = 200;
const RETRY_MS = 1_000;
/** What waits for the store; the kubelet keeps the rest. */
const WAITING = { lines: 1_000, characters: 1024 ** 2 };

/** Where lines are kept. It takes each line of a source once, whoever brings it. */
export interface LogSink {
  /** Returns the stamp of the last line of a source. */
  lastStamp(source: string): Promise<string | undefined>;
  /** Appends lines in the order of their stamps, without those that it has. */
  appendFrom(source: { name: string; source: string }, lines: readonly StampedLine[]): Promise<void>;
}

export interface PodCollectorOptions extends Cluster {
  readonly sink: LogSink;
  /** False if the function was removed, so that nobody can read its lines. */
  readonly exists: (name: string) => boolean;
  /** Receives why the store does not take lines, and undefined when it does again. */
  readonly onTrouble: (reason: string | undefined) => void;
  /** Receives why the log of the pod cannot be read, once until it can be read again. */
  readonly onUnreadable: (pod: string, reason: string) => void;
}

/** Brings the log of one pod to the store, from the last line that the store has until the pod is deleted. */
export class PodCollector {
  readonly #pod: Pod;
  readonly #options: PodCollectorOptions;
  readonly #stopping = new AbortController();
  /** Resolves when the pod is deleted and its lines are written, or after `close`. */
  readonly ended: Promise<void>;
  #lines: StampedLine[] = [];
  #characters = 0;
  /** Resolves with the next write. */
  #written = Promise.withResolvers<void>();
  #hasEnded = false;
  #isUnreadable = false;

  constructor(pod: Pod, options: PodCollectorOptions) {
    this.#pod = pod;
    this.#options = options;
    this.ended = this.#run();
  }

  /** Stops reading. Another manager reads on from the last written line. */
  async close(): Promise<void> {
    this.#stopping.abort();
    this.#written.resolve();
    await this.ended;
  }

  async #run(): Promise<void> {
    const { api, namespace, sink } = this.#options;
    const { signal } = this.#stopping;
    const source = this.#pod.metadata.uid ?? this.#pod.metadata.name;
    const since = await this.#untilDone(() => sink.lastStamp(source));
    if (signal.aborted) return;
    const writing = this.#write(source);
    await followPod(this.#pod, {
      ...{ api, namespace, signal, since },
      onLine: (line) => this.#add(line),
      room: () => this.#room(),
    });
    this.#hasEnded = true;
    await writing;
  }

  #add(line: StampedLine): void {
    // Lines of this program have another clock, so that they cannot be kept in order with those of the pod.
    if (line.stream === "platform") {
      if (!this.#isUnreadable) this.#options.onUnreadable(this.#pod.metadata.name, line.text);
      this.#isUnreadable = true;
      return;
    }
    this.#isUnreadable = false;
    this.#lines.push(line);
    this.#characters += line.text.length;
  }

  #room(): Promise<void> | undefined {
    const isFull = this.#lines.length >= WAITING.lines || this.#characters >= WAITING.characters;
    return isFull ? this.#written.promise : undefined;
  }

  /** Writes until all lines of a deleted pod are written. */
  async #write(source: string): Promise<void> {
    const { sink, exists } = this.#options;
    const { signal } = this.#stopping;
    const name = this.#pod.metadata.labels?.[LABELS.function] ?? "";
    while (!signal.aborted) {
      const isLast = this.#hasEnded;
      const lines = this.#lines;
      if (lines.length > 0) {
        this.#lines = [];
        this.#characters = 0;
        this.#written.resolve();
        this.#written = Promise.withResolvers<void>();
        if (exists(name)) await this.#untilDone(() => sink.appendFrom({ name, source }, lines));
      } else if (isLast) return;
      if (!isLast) await delay(WRITE_MS, signal);
    }
  }

  /** Repeats work until it succeeds, or this ends. */
  async #untilDone<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const result = await work();
        this.#options.onTrouble(undefined);
        return result;
      } catch (error) {
        this.#options.onTrouble((error as Error).message);
      }
      await delay(RETRY_MS, signal);
    }
    return undefined;
  }
}
