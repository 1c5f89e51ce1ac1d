import assert from "node:assert/strict";
import { EventMetrics } from "../../events/metrics.ts";
import { Metrics } from "../../metrics/metrics.ts";
import { Problem } from "../../platform/problems.ts";
import type { QueueTotals } from "../../store/calls.ts";
import type { TopicStats } from "../../store/topics.ts";

const NOW = 1_000_000;
const TOTALS: QueueTotals = {
  ...{
    queue: "fn/hello",
    accepted: 20,
    waiting: 3,
    running: 2,
    done: 10,
    dead: 4,
    cancelled: 1,
    attempts: 17,
  },
  oldestDueAt: NOW - 2_500,
};
const TOPIC: TopicStats = {
  ...{ topic: "orders", published: 9, end: 9, events: 7, bytes: 700 },
  groups: [{ group: "billing", position: 4, lag: 5 }],
};

describe("the metrics of events", () => {
  let now: number;
  let reads: number;
  let totals: () => Promise<readonly QueueTotals[]>;
  beforeEach(() => {
    now = NOW;
    reads = 0;
    totals = async () => [TOTALS];
  });

  const scrape = async (events: EventMetrics) => {
    const metrics = new Metrics();
    metrics.add(() => events.groups());
    return (await metrics.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  };
  const eventMetrics = () => {
    const calls = {
      totals() {
        reads++;
        return totals();
      },
    };
    const store = { calls, topics: { stats: async () => [TOPIC] } } as never;
    return new EventMetrics({
      store,
      firings: () => ({ count: 2, sumMs: 300, lastMs: 120 }),
      now: () => now,
    });
  };

  it("are one sample for the callbacks of all hosts", async () => {
    const of = (queue: string, more: Partial<QueueTotals> = {}) => ({ ...TOTALS, queue, ...more });
    totals = async () => [
      of("callback/a.example"),
      TOTALS,
      of("callback/b.example:81", { waiting: 5, accepted: 22 }),
    ];
    const lines = await scrape(eventMetrics());
    const waiting = lines.filter((line) => line.startsWith("skiff_async_waiting"));
    assert.deepEqual(waiting, [
      'skiff_async_waiting{queue="fn/hello"} 3',
      'skiff_async_waiting{queue="callback"} 8',
    ]);
    assert.ok(lines.includes("skiff_async_drift 0"));
  });

  it("are the counts of each queue, the lag of each group and the delay of schedules", async () => {
    const lines = await scrape(eventMetrics());
    assert.deepEqual(lines, [
      'skiff_async_accepted_total{queue="fn/hello"} 20',
      'skiff_async_waiting{queue="fn/hello"} 3',
      'skiff_async_running{queue="fn/hello"} 2',
      'skiff_async_done_total{queue="fn/hello"} 10',
      'skiff_async_dead{queue="fn/hello"} 4',
      'skiff_async_cancelled_total{queue="fn/hello"} 1',
      'skiff_async_attempts_total{queue="fn/hello"} 17',
      'skiff_async_oldest_seconds{queue="fn/hello"} 2.5',
      "skiff_async_drift 0",
      'skiff_topic_published_total{topic="orders"} 9',
      'skiff_topic_events{topic="orders"} 7',
      'skiff_topic_lag{topic="orders",group="billing"} 5',
      "skiff_schedule_firings_total 2",
      "skiff_schedule_delay_seconds_total 0.3",
      "skiff_schedule_delay_seconds 0.12",
    ]);
  });

  it("show a call that is in no state, also if another queue has one too many", async () => {
    totals = async () => [
      { ...TOTALS, waiting: 2 },
      { ...TOTALS, queue: "callback", running: 3 },
    ];
    assert.ok((await scrape(eventMetrics())).includes("skiff_async_drift 2"));
  });

  it("read the store at most once a second", async () => {
    const events = eventMetrics();
    await Promise.all([scrape(events), scrape(events)]);
    now += 999;
    await scrape(events);
    assert.equal(reads, 1);
    now += 1;
    await scrape(events);
    assert.equal(reads, 2);
  });

  it("are left out while the store is away, and come back", async () => {
    totals = () => Promise.reject(new Problem("store_unavailable", "It is away.", { retryAfterS: 1 }));
    const events = eventMetrics();
    const lines = await scrape(events);
    assert.ok(!lines.some((line) => line.startsWith("skiff_async")));
    assert.ok(lines.includes("skiff_schedule_firings_total 2"));
    totals = async () => [TOTALS];
    now += 1_000;
    assert.ok((await scrape(events)).includes("skiff_async_drift 0"));
  });

  it("do not hide other errors", async () => {
    totals = () => Promise.reject(new Error("unexpected"));
    await assert.rejects(scrape(eventMetrics()), /unexpected/);
  });
});
