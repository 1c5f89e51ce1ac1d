import { LogBuffer } from "../../log-buffer.ts";
import type { LogLine, LogOptions } from "../../platform.ts";
import type { Cluster } from "../cluster/api.ts";
import { Mirror } from "../cluster/mirror.ts";
import { KINDS, type Pod } from "../cluster/resources.ts";
import { LABELS } from "../objects/names.ts";
import { followPod, hasStarted, readTail, type StampedLine } from "./pod-log.ts";

/** Reads the logs of a function's pods. The lines of deleted pods are lost. */
export async function* liveLogs(
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
