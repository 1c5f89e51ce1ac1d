import { flowOfTrigger, groupOfFlow } from "../../../platform/declared-flows/triggers.ts";
import type { RetryPolicy } from "../../../platform/events/retry-policy.ts";
import type { CallHead, CallOrigin } from "../../../store/call.ts";
import type { EventStore } from "../../../store/store.ts";
import type { StoredEvent } from "../../../store/topics.ts";
import type { TopicTable } from "../topic-table.ts";
import { deliveryOf, eventOf, QUEUE_PREFIX, queueOf } from "./deliveries.ts";
import { chooseMember, type Group, groupKey, type Subscription, Turns } from "./groups.ts";

/** A group has fewer deliveries. */
const MOST = 2_000;

type Delivery = Extract<CallOrigin, { readonly kind: "subscription" }>;

export interface OrphansOptions {
  readonly store: Pick<EventStore, "calls" | "topics">;
  readonly table: TopicTable;
  /** How long deliveries wait for their subscription, in milliseconds. */
  readonly keepMs: number;
  readonly policy: (member: Subscription) => RetryPolicy;
  readonly newId: () => string;
  readonly now: () => number;
}

/**
 * Deliveries of removed subscriptions. They rest: the subscription may come back, and then nothing is lost. Members that its
 * group still has get them instead.
 */
export class Orphans {
  readonly #options: OrphansOptions;
  readonly #queues = new Set<string>();
  readonly #turns = new Turns();

  constructor(options: OrphansOptions) {
    this.#options = options;
  }

  /** Queues whose deliveries rest. */
  queues(): ReadonlySet<string> {
    return this.#queues;
  }

  /** A subscription was declared, or removed. Returns whether it was removed. */
  changed(subscription: string): boolean {
    const queue = queueOf(subscription);
    const isUnknown = this.#options.table.subscription(subscription) === undefined;
    if (isUnknown) this.#queues.add(queue);
    else this.#queues.delete(queue);
    return isUnknown && !this.#isUnclear(queue);
  }

  /** Finds those that were removed while nothing ran, gives their deliveries to other members, and ends old ones. */
  async tidy(): Promise<void> {
    await this.#find();
    const { calls } = this.#options.store;
    for (const queue of [...this.#queues]) {
      for (const record of await calls.list({ queue, states: ["waiting"], limit: MOST })) {
        // It may have come back meanwhile.
        if (this.#queues.has(queue) && !this.#isUnclear(queue)) await this.#tidy(record);
      }
    }
  }

  /** Its deliveries rest until its spec, or the text of its flow, is valid. */
  #isUnclear(queue: string): boolean {
    const name = queue.slice(QUEUE_PREFIX.length);
    const flow = flowOfTrigger(name);
    return this.#options.table.unclearSubscriptions().has(flow === undefined ? name : groupOfFlow(flow));
  }

  async #find(): Promise<void> {
    const { store, table } = this.#options;
    const totals = await store.calls.totals();
    const live = totals.filter(({ waiting, running }) => waiting + running > 0).map(({ queue }) => queue);
    const found = live.filter((queue) => {
      if (!queue.startsWith(QUEUE_PREFIX)) return false;
      return table.subscription(queue.slice(QUEUE_PREFIX.length)) === undefined;
    });
    this.#queues.clear();
    for (const queue of found) this.#queues.add(queue);
  }

  async #tidy(record: CallHead): Promise<void> {
    const { store, table, keepMs, now } = this.#options;
    const { origin } = record;
    if (origin.kind !== "subscription") return;
    const group = table.groups().get(groupKey(origin.topic, origin.group));
    // Perhaps that member wants it, and no other does.
    if (group?.isUnclear) return;
    if (group !== undefined) await this.#handOver(record, group, origin);
    else if (record.acceptedAt >= now() - keepMs) return;
    await store.calls.cancel(record.id, now());
  }

  /** Whichever program does so first, and if it stops in between, the other member gets the event once. */
  async #handOver({ id }: CallHead, group: Group, origin: Delivery): Promise<void> {
    const { store, policy, newId, now } = this.#options;
    const event = await this.#eventOf(id, origin);
    const member = event && chooseMember(group, event, this.#turns);
    if (member === undefined) return;
    const delivery = deliveryOf(event!, member, { group: group.name, now: now(), newId, policy });
    const idempotency = { scope: `group/${groupKey(group.topic, group.name)}`, key: id, fingerprint: "" };
    await store.calls.enqueue([{ ...delivery, idempotency }], {
      now: now(),
      mostLive: Number.MAX_SAFE_INTEGER,
    });
  }

  /** Undefined if the delivery has ended meanwhile. */
  async #eventOf(id: string, { topic, position, event }: Delivery): Promise<StoredEvent | undefined> {
    const { topics, calls } = this.#options.store;
    const [stored] = await topics.read(topic, position - 1, 1);
    if (stored?.position === position && stored.id === event) return stored;
    // The topic keeps it no longer. A delivery that waits has all of it.
    const record = await calls.get(id);
    return record?.state === "waiting" ? eventOf(record, { topic, position }) : undefined;
  }
}
