import { isAway } from "../calling/away.ts";
import {
  FIRING_FAMILIES,
  type FiringCounts,
  QUEUE_FAMILIES,
  type QueueCounts,
  SUM_FAMILIES,
  TOPIC_FAMILIES,
} from "../metrics/event-families.ts";
import { type Group, group } from "../metrics/metrics.ts";
import type { QueueTotals } from "../store/calls.ts";
import type { EventStore } from "../store/store.ts";
import type { TopicStats } from "../store/topics.ts";

export interface EventMetricsOptions {
  readonly store: Pick<EventStore, "calls" | "topics">;
  /** Firings by this program. */
  readonly firings: () => FiringCounts | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Time for which what was read of the store is used again, in milliseconds. */
const FRESH_MS = 1_000;

interface Read {
  readonly at: number;
  readonly totals: Promise<readonly QueueTotals[]>;
  readonly topics: Promise<readonly TopicStats[]>;
}

/** The metrics of asynchronous calls, topics and schedules. */
export class EventMetrics {
  readonly #options: EventMetricsOptions;
  #read: Read | undefined;

  constructor(options: EventMetricsOptions) {
    this.#options = options;
  }

  /** Without samples of the store while it cannot be reached. */
  async groups(): Promise<readonly Group[]> {
    const { store, firings, now } = this.#options;
    const at = now();
    const isFresh = this.#read !== undefined && Math.abs(at - this.#read.at) < FRESH_MS;
    if (!isFresh) {
      this.#read = { at, totals: orNone(store.calls.totals()), topics: orNone(store.topics.stats()) };
    }
    const [queues, topics] = await Promise.all([this.#read!.totals, this.#read!.topics]);
    const totals = withOneOfCallbacks(queues);
    const fired = firings();
    const drifts = totals.map((each) => Math.abs(driftOf(each)));
    const drift = drifts.reduce((sum, each) => sum + each, 0);
    return [
      group(
        QUEUE_FAMILIES,
        totals.map((each) => countsOf(each, at)),
      ),
      group(SUM_FAMILIES, totals.length === 0 ? [] : [{ drift }]),
      group(TOPIC_FAMILIES, topics),
      group(FIRING_FAMILIES, fired === undefined ? [] : [fired]),
    ];
  }
}

/** Callers name the hosts of callbacks: one sample for all of them. */
function withOneOfCallbacks(totals: readonly QueueTotals[]): readonly QueueTotals[] {
  const { others = [], callbacks = [] } = Object.groupBy(totals, ({ queue }) =>
    queue.startsWith("callback/") ? "callbacks" : "others",
  );
  const sum = (member: Exclude<keyof QueueTotals, "queue" | "oldestDueAt">) =>
    callbacks.reduce((total, each) => total + each[member], 0);
  if (callbacks.length === 0) return others;
  const due = callbacks.flatMap(({ oldestDueAt }) => oldestDueAt ?? []);
  const all: QueueTotals = {
    ...{ queue: "callback", accepted: sum("accepted"), waiting: sum("waiting"), running: sum("running") },
    ...{ done: sum("done"), dead: sum("dead"), cancelled: sum("cancelled"), attempts: sum("attempts") },
    oldestDueAt: due.length === 0 ? undefined : Math.min(...due),
  };
  return [...others, all];
}

function countsOf({ oldestDueAt, ...counts }: QueueTotals, now: number): QueueCounts {
  return { ...counts, oldestSeconds: oldestDueAt === undefined ? 0 : Math.max(0, now - oldestDueAt) / 1_000 };
}

function driftOf({ accepted, waiting, running, done, dead, cancelled }: QueueTotals): number {
  return accepted - waiting - running - done - dead - cancelled;
}

async function orNone<T>(read: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await read;
  } catch (error) {
    if (isAway(error)) return [];
    throw error;
  }
}
