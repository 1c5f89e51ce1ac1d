/** The families of asynchronous calls, topics and schedules. All but those of schedules are read from the store. */
import { type Family, single, typeOf } from "./metrics.ts";

/** Calls of a queue since its first one. `oldestSeconds` is 0 if none is due. */
export interface QueueCounts {
  readonly queue: string;
  readonly accepted: number;
  readonly waiting: number;
  readonly running: number;
  readonly done: number;
  readonly dead: number;
  readonly cancelled: number;
  readonly attempts: number;
  readonly oldestSeconds: number;
}

export const QUEUE_FAMILIES: readonly Family<QueueCounts>[] = [
  ofQueue(
    "skiff_async_accepted_total",
    "Asynchronous calls accepted, deliveries and callbacks included.",
    "accepted",
  ),
  ofQueue("skiff_async_waiting", "Asynchronous calls that wait.", "waiting"),
  ofQueue("skiff_async_running", "Asynchronous calls that run.", "running"),
  ofQueue("skiff_async_done_total", "Asynchronous calls that succeeded.", "done"),
  ofQueue("skiff_async_dead", "Asynchronous calls that are dead.", "dead"),
  ofQueue(
    "skiff_async_cancelled_total",
    "Asynchronous calls that were cancelled, and dead ones that were removed.",
    "cancelled",
  ),
  ofQueue("skiff_async_attempts_total", "Attempts of asynchronous calls that ended.", "attempts"),
  ofQueue(
    "skiff_async_oldest_seconds",
    "Time for which the oldest asynchronous call has been due.",
    "oldestSeconds",
  ),
];

/** Sums over all queues. */
export interface QueueSums {
  /** Accepted calls less those in every state. */
  readonly drift: number;
}

export const SUM_FAMILIES: readonly Family<QueueSums>[] = [
  single(
    "skiff_async_drift",
    "Accepted asynchronous calls less those in every state; anything but 0 is a fault of Skiff.",
    ({ drift }) => drift,
  ),
];

export interface TopicCounts {
  readonly topic: string;
  readonly published: number;
  readonly events: number;
  readonly groups: readonly { readonly group: string; readonly lag: number }[];
}

export const TOPIC_FAMILIES: readonly Family<TopicCounts>[] = [
  {
    name: "skiff_topic_published_total",
    help: "Events published.",
    type: "counter",
    labels: ["topic"],
    samples: ({ topic, published }) => [{ value: published, labels: { topic } }],
  },
  {
    name: "skiff_topic_events",
    help: "Events that the topic keeps.",
    type: "gauge",
    labels: ["topic"],
    samples: ({ topic, events }) => [{ value: events, labels: { topic } }],
  },
  {
    name: "skiff_topic_lag",
    help: "Events of the topic that have not become deliveries for the group.",
    type: "gauge",
    labels: ["topic", "group"],
    samples: ({ topic, groups }) =>
      groups.map(({ group, lag }) => ({ value: lag, labels: { topic, group } })),
  },
];

/** Firings by this program. */
export interface FiringCounts {
  readonly count: number;
  readonly sumMs: number;
  readonly lastMs: number;
}

export const FIRING_FAMILIES: readonly Family<FiringCounts>[] = [
  single("skiff_schedule_firings_total", "Firings of schedules by this program.", ({ count }) => count),
  single(
    "skiff_schedule_delay_seconds_total",
    "Time by which firings were late, jitter aside.",
    ({ sumMs }) => sumMs / 1_000,
  ),
  single(
    "skiff_schedule_delay_seconds",
    "Time by which the last firing was late.",
    ({ lastMs }) => lastMs / 1_000,
  ),
];

export const EVENT_FAMILIES = [...QUEUE_FAMILIES, ...SUM_FAMILIES, ...TOPIC_FAMILIES, ...FIRING_FAMILIES];

function ofQueue(name: string, help: string, key: Exclude<keyof QueueCounts, "queue">): Family<QueueCounts> {
  const samples = (counts: QueueCounts) => [{ value: counts[key], labels: { queue: counts.queue } }];
  return { name, help, type: typeOf(name), labels: ["queue"], samples };
}
