import { type Entry, EntryReader, streamOf } from "../../../client-image/console/marked-entry.ts";
import { explainLine, isRemark } from "../../../runtimes/deno/permission-advice.ts";
import type { LogLine } from "../../platform.ts";
import type { Cluster } from "../cluster/api.ts";
import { delay } from "../cluster/mirror.ts";
import { KINDS, type Pod, pathOf } from "../cluster/resources.ts";
import { CONTAINER, LABELS } from "../objects/names.ts";

/** Pause before the log of a container that ended is asked for again: it may run again. */
const RETRY_MS = 500;
const LONGEST_RETRY_MS = 5_000;

/** A line with the kubelet's time to the nanosecond, in a sortable form. */
export interface StampedLine extends LogLine {
  readonly stamp: string;
}

interface ReadOptions extends Cluster {
  readonly signal: AbortSignal;
}

/** Reads the last entries of a pod's container. */
export async function readTail(
  pod: Pod,
  { api, namespace, tail, signal }: ReadOptions & { tail: number },
): Promise<StampedLine[]> {
  const lines: StampedLine[] = [];
  const query = { container: CONTAINER, timestamps: "true", tailLines: String(tail) };
  const entries = new PodEntries(pod, (line) => lines.push(line));
  try {
    for await (const text of api.lines({ path: logPath(pod, namespace), query, signal })) entries.read(text);
  } catch (error) {
    signal.throwIfAborted();
    // A pod may be deleted meanwhile; the logs of the others follow.
    lines.push(platformLine(pod, unreadable(error)));
  }
  entries.end();
  return lines;
}

interface FollowOptions extends ReadOptions {
  /** Skips lines up to this time. */
  readonly since: string | undefined;
  /** Receives lines of the stream `platform` as well, whose stamps are this program's. */
  readonly onLine: (line: StampedLine) => void;
  /** Reading waits for it after each line. */
  readonly room?: () => Promise<void> | undefined;
}

/** Follows one pod until its deletion, across restarts of its container and of the connection. */
export async function followPod(pod: Pod, options: FollowOptions): Promise<void> {
  const { api, namespace, since, signal, onLine, room = () => undefined } = options;
  let after = since;
  let pauseMs = RETRY_MS;
  const place = { kind: KINDS.pods, namespace, name: pod.metadata.name };
  const isDeleted = async () => (await api.get<Pod>(place, { signal })) === undefined;
  while (!signal.aborted) {
    const query = {
      container: CONTAINER,
      timestamps: "true",
      follow: "true",
      ...(after === undefined ? {} : { sinceTime: after }),
    };
    const entries = new PodEntries(pod, (line) => {
      if (line.stream !== "platform") {
        if (after !== undefined && line.stamp <= after) return;
        after = line.stamp;
        pauseMs = RETRY_MS;
      }
      onLine(line);
    });
    try {
      for await (const text of api.lines({ path: logPath(pod, namespace), query, signal })) {
        entries.read(text);
        await room();
      }
      if (await isDeleted()) return entries.end();
      // What is open is read again: the connection may have ended within an entry.
    } catch (error) {
      if (signal.aborted) return;
      // If that cannot be found out either, the first error is the one to report.
      if (await isDeleted().catch(() => false)) return entries.end();
      onLine(platformLine(pod, unreadable(error)));
    }
    await delay(pauseMs, signal);
    pauseMs = Math.min(2 * pauseMs, LONGEST_RETRY_MS);
  }
}

/** Whether the pod has a log. */
export function hasStarted(pod: Pod): boolean {
  const status = pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER);
  return (
    status?.state?.running !== undefined ||
    status?.state?.terminated !== undefined ||
    (status?.restartCount ?? 0) > 0
  );
}

/** Makes entries of the lines that the kubelet sends. Both streams of the container come as one. */
class PodEntries {
  readonly #pod: Pod;
  readonly #onLine: (line: StampedLine) => void;
  readonly #entries: EntryReader;
  /** The first line of the entry, and the last. */
  #first = "";
  #last = "";

  constructor(pod: Pod, onLine: (line: StampedLine) => void) {
    this.#pod = pod;
    this.#onLine = onLine;
    this.#entries = new EntryReader((entry) => {
      const line = this.#lineOf(entry);
      if (line) onLine(line);
    });
  }

  read(text: string): void {
    const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z (.*)$/s.exec(text);
    // What the kubelet says has no time.
    if (!match) {
      this.#onLine(platformLine(this.#pod, text));
      return;
    }
    const [, time, fraction = "", line = ""] = match;
    this.#last = `${time}.${fraction.padEnd(9, "0")}Z`;
    if (!this.#entries.isOpen) this.#first = this.#last;
    this.#entries.read(line);
  }

  end(): void {
    this.#entries.end();
  }

  #lineOf(entry: Entry): StampedLine | undefined {
    const { text, ...marks } = entry;
    const lines = text.split("\n").filter((line) => !isRemark(line));
    if (lines.length === 0) return undefined;
    return {
      at: new Date(`${this.#first.slice(0, 23)}Z`),
      stamp: this.#last,
      ...originOf(this.#pod),
      stream: streamOf(entry) ?? "stdout",
      text: lines.map((line) => explainLine(line)).join("\n"),
      ...marks,
    };
  }
}

function originOf({ metadata }: Pod): Pick<LogLine, "instance" | "version"> {
  const version = Number(metadata.labels?.[LABELS.version]);
  return { instance: metadata.name, ...(version > 0 ? { version } : {}) };
}

function logPath(pod: Pod, namespace: string): string {
  return pathOf({ kind: KINDS.pods, namespace, name: pod.metadata.name, subresource: "log" });
}

function unreadable(error: unknown): string {
  return `its log cannot be read: ${(error as Error).message}`;
}

function platformLine(pod: Pod, text: string): StampedLine {
  const at = new Date();
  const stamp = at.toISOString().replace("Z", "000000Z");
  return { at, stamp, ...originOf(pod), stream: "platform", text };
}
