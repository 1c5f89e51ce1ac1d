import { explainLine, isRemark } from "../../runtimes/deno/permission-advice.ts";
import { LogBuffer } from "../log-buffer.ts";
import type { LogLine, LogOptions } from "../platform.ts";
import type { Cluster } from "./cluster/api.ts";
import { delay, Mirror } from "./cluster/mirror.ts";
import { KINDS, type Pod, pathOf } from "./cluster/resources.ts";
import { CONTAINER, LABELS } from "./objects/names.ts";

const RETRY_MS = 500;

/** Reads the logs of a function's pods. The lines of deleted pods are lost. */
export async function* podLogs(
  name: string,
  { tail, follow, signal }: LogOptions,
  { api, namespace }: Cluster,
): AsyncGenerator<LogLine> {
  const stop = new AbortController();
  const until = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const selector = `${LABELS.function}=${name}`;
  const place = { kind: KINDS.pods, namespace };
  const { items } = await api.list<Pod>(place, selector, { signal: until });
  const tailOptions = { api, namespace, tail, signal: until };
  const tails = await Promise.all(items.filter(hasStarted).map((pod) => readTail(pod, tailOptions)));
  const first = tails.flat().sort((a, b) => a.at.getTime() - b.at.getTime());
  yield* tail === 0 ? [] : first.slice(-tail);
  if (!follow) return;
  yield* followPods(name, { api, namespace, first, stop, until });
}

interface Following extends Cluster {
  readonly first: readonly StampedLine[];
  readonly stop: AbortController;
  readonly until: AbortSignal;
}

async function* followPods(name: string, { api, namespace, first, stop, until }: Following) {
  const buffer = new LogBuffer();
  const followed = new Set<string>();
  const running = new Set<Promise<void>>();
  const pods = new Mirror<Pod>({
    api,
    place: { kind: KINDS.pods, namespace },
    labelSelector: `${LABELS.function}=${name}`,
    onChange: (key, pod) => {
      if (!pod || !hasStarted(pod) || followed.has(key)) return;
      followed.add(key);
      const since = first.findLast((line) => line.instance === key)?.stamp;
      const onLine = (line: LogLine) => buffer.push(line);
      const work = followPod(pod, { api, namespace, since, signal: until, onLine });
      running.add(work);
      void work.finally(() => running.delete(work));
    },
  });
  try {
    yield* buffer.read({ tail: 0, follow: true, signal: until });
  } finally {
    stop.abort();
    await pods.close();
    await Promise.allSettled(running);
  }
}

async function readTail(
  pod: Pod,
  { api, namespace, tail, signal }: Cluster & { tail: number; signal: AbortSignal },
): Promise<StampedLine[]> {
  const lines: StampedLine[] = [];
  const query = { container: CONTAINER, timestamps: "true", tailLines: String(tail) };
  try {
    for await (const text of api.lines({ path: logPath(pod, namespace), query, signal })) {
      const line = parseLine(text, pod.metadata.name);
      if (!isRemark(line.text)) lines.push(line);
    }
  } catch (error) {
    signal.throwIfAborted();
    // A pod may be deleted meanwhile; the logs of the others follow.
    lines.push(platformLine(pod, error));
  }
  return lines;
}

interface FollowOptions extends Cluster {
  /** Skips lines up to this time. */
  readonly since: string | undefined;
  readonly signal: AbortSignal;
  readonly onLine: (line: LogLine) => void;
}

/** Follows one pod until its deletion, across restarts of its container and of the connection. */
async function followPod(pod: Pod, { api, namespace, since, signal, onLine }: FollowOptions): Promise<void> {
  let after = since;
  const place = { kind: KINDS.pods, namespace, name: pod.metadata.name };
  while (!signal.aborted) {
    const query = {
      container: CONTAINER,
      timestamps: "true",
      follow: "true",
      ...(after === undefined ? {} : { sinceTime: after }),
    };
    try {
      for await (const text of api.lines({ path: logPath(pod, namespace), query, signal })) {
        const { stamp, ...line } = parseLine(text, pod.metadata.name);
        if (after !== undefined && stamp <= after) continue;
        after = stamp;
        if (!isRemark(line.text)) onLine(line);
      }
      if ((await api.get<Pod>(place, { signal })) === undefined) return;
    } catch (error) {
      if (signal.aborted) return;
      onLine(platformLine(pod, error));
    }
    await delay(RETRY_MS, signal);
  }
}

function hasStarted(pod: Pod): boolean {
  const status = pod.status?.containerStatuses?.find(({ name }) => name === CONTAINER);
  return (
    status?.state?.running !== undefined ||
    status?.state?.terminated !== undefined ||
    (status?.restartCount ?? 0) > 0
  );
}

function logPath(pod: Pod, namespace: string): string {
  return pathOf({ kind: KINDS.pods, namespace, name: pod.metadata.name, subresource: "log" });
}

/** A line with the kubelet's time to the nanosecond, in a sortable form. */
interface StampedLine extends LogLine {
  readonly stamp: string;
}

function parseLine(text: string, instance: string): StampedLine {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z (.*)$/s.exec(text);
  if (!match) return { ...platformNow(instance), stream: "stdout", text };
  const [, time, fraction = "", line = ""] = match;
  const stamp = `${time}.${fraction.padEnd(9, "0")}Z`;
  return {
    at: new Date(`${stamp.slice(0, 23)}Z`),
    stamp,
    instance,
    stream: "stdout",
    text: explainLine(line),
  };
}

function platformNow(instance: string) {
  const at = new Date();
  return { at, stamp: at.toISOString().replace("Z", "000000Z"), instance };
}

function platformLine(pod: Pod, error: unknown): StampedLine {
  const text = `its log cannot be read: ${(error as Error).message}`;
  return { ...platformNow(pod.metadata.name), stream: "platform", text };
}
