import type { RetrySpec } from "./retry-policy.ts";

/** The spec of a `Subscription` declaration. */
export interface SubscriptionSpec {
  readonly topic: string;
  /** Exactly one of the three. Each event begins a run of the flow. */
  readonly function?: string;
  readonly url?: string;
  readonly flow?: string;
  /** Path of the requests to a function; `/` by default. */
  readonly path?: string;
  /** Subscriptions of a topic with the same group share its events; the name of the subscription by default. */
  readonly group?: string;
  /** Where a new group begins: `latest` (default), `earliest` or a time in ISO 8601. */
  readonly from?: string;
  /** `key`: events with the same value of the attribute `orderBy` are delivered one at a time, in order. */
  readonly order?: "none" | "key";
  /** An attribute of the event; `partitionkey` by default. */
  readonly orderBy?: string;
  /** Only events that match. */
  readonly filter?: EventFilter;
  readonly retry?: RetrySpec;
  /** Deliveries that run at a time for the group in one program; 32 by default. */
  readonly concurrency?: number;
  /** Whether an answer can be the reply for whoever waits; true by default. */
  readonly replies?: boolean;
  /** The topic of events that it answers, unless the event names one in `replyto`. */
  readonly replyTo?: string;
  readonly paused?: boolean;
}

/** Returns the topics that a subscription names, which exist while it does. */
export function topicsOf({ topic, replyTo }: Pick<SubscriptionSpec, "topic" | "replyTo">): readonly string[] {
  return replyTo === undefined ? [topic] : [topic, replyTo];
}

/** Filters of the CloudEvents Subscriptions API 1.0: every member must hold. Values are compared as text. */
export interface EventFilter {
  readonly exact?: Readonly<Record<string, string>>;
  readonly prefix?: Readonly<Record<string, string>>;
  readonly suffix?: Readonly<Record<string, string>>;
  readonly all?: readonly EventFilter[];
  readonly any?: readonly EventFilter[];
  readonly not?: EventFilter;
}
