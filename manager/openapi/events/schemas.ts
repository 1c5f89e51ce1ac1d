import type { Limits } from "../../../platform/limits.ts";
import { array, COUNT, FLAG, INSTANT, object, ref, type Schema, TEXT } from "../schema.ts";

const NULLABLE_INSTANT: Schema = { type: ["string", "null"], format: "date-time" };
const TEXTS: Schema = { type: "object", additionalProperties: TEXT };
const NAME: Schema = { type: "string", pattern: "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$" };

function duration(example: string, description: string): Schema {
  return { ...TEXT, example, description };
}

/** Schemas of topics, subscriptions and schedules. */
export function eventSchemas({ pageSize }: Limits): Record<string, Schema> {
  const page = (member: string, schema: string) =>
    object({
      [member]: array(ref(schema), { maxItems: pageSize }),
      next: { type: ["string", "null"], description: "Cursor of the next page; null on the last one" },
    });
  return {
    ...specSchemas(),
    Topic: declared("TopicSpec", topicState()),
    Subscription: declared("SubscriptionSpec", subscriptionState()),
    Schedule: declared("ScheduleSpec", scheduleState()),
    Replay: object({
      ...{ topic: ref("EventName"), group: TEXT },
      position: { ...COUNT, description: "Events after it are delivered" },
      lag: { ...COUNT, description: "How many those are" },
    }),
    FiringPage: object({
      firings: array(
        object(
          { at: INSTANT, firedAt: INSTANT, outcome: { enum: ["fired", "skipped", "missed"] } },
          { call: TEXT, event: TEXT, run: { ...TEXT, description: "Of a schedule of a flow: the run" } },
        ),
        { maxItems: pageSize },
      ),
      next: { type: ["string", "null"], description: "Cursor of the next page; null on the last one" },
    }),
    ScheduleRun: object({}, { call: TEXT, event: TEXT, topic: ref("EventName"), position: COUNT }),
    TopicPage: page("topics", "Topic"),
    SubscriptionPage: page("subscriptions", "Subscription"),
    SchedulePage: page("schedules", "Schedule"),
  };
}

/** Schemas of specs, which are also those of `skiff.yaml`. */
export function specSchemas(): Record<string, Schema> {
  return {
    EventName: NAME,
    TopicSpec: object(
      {},
      {
        paths: array(TEXT, { description: "Beginnings of paths below /gateway that are published here" }),
        replyTimeout: duration("30s", "Longest wait of the gateway for a reply; 0s answers 202 at once"),
        access: { enum: ["key", "public"], default: "key", description: "Who may publish" },
        keepFor: duration("168h", "Age of kept events"),
        keepBytes: { ...TEXT, example: "1Gi", description: "Bytes of kept events" },
        maxEvent: { ...TEXT, example: "1Mi", description: "Most bytes of an event" },
      },
    ),
    SubscriptionSpec: object({ topic: ref("EventName") }, subscriptionMembers()),
    ScheduleSpec: object({ cron: { ...TEXT, example: "0 3 * * *" } }, scheduleMembers()),
    EventFilter: object(
      {},
      {
        ...{ exact: TEXTS, prefix: TEXTS, suffix: TEXTS },
        ...{ all: array(ref("EventFilter")), any: array(ref("EventFilter")), not: ref("EventFilter") },
      },
    ),
    RetrySpec: object(
      {},
      {
        attempts: {
          ...{ type: "integer", minimum: 1, maximum: 100 },
          description: "Most attempts, the first included; 5 by default, 12 for deliveries",
        },
        backoff: duration(
          "1s",
          "Longest wait after the first attempt; it doubles with each attempt, and is 1s by default, 2s for deliveries",
        ),
        maxAge: duration("6h", "Age at which no further attempt starts; 6h by default"),
        on: array(TEXT, { description: "Outcomes that are retried, such as 429, 5xx and connection" }),
      },
    ),
  };
}

function subscriptionMembers(): Record<string, Schema> {
  return {
    function: { ...ref("Name"), description: "One of function, url and flow is the target" },
    url: { type: "string", format: "uri" },
    flow: { ...ref("EventName"), description: "Each event begins a run of this flow" },
    path: { ...TEXT, default: "/", description: "Path of the requests to the function" },
    group: { ...ref("EventName"), description: "Shares the events; the name of the subscription by default" },
    from: {
      ...TEXT,
      example: "earliest",
      description: "latest, earliest or a time: where a new group begins",
    },
    order: { enum: ["none", "key"], default: "none" },
    orderBy: { ...TEXT, default: "partitionkey", description: "Attribute whose value orders deliveries" },
    filter: ref("EventFilter"),
    retry: ref("RetrySpec"),
    concurrency: { type: "integer", minimum: 1, maximum: 1_000, default: 32 },
    replies: { ...FLAG, default: true, description: "Whether an answer can be the reply to a caller" },
    replyTo: { ...ref("EventName"), description: "Topic of the events that it answers" },
    paused: { ...FLAG, default: false },
  };
}

function scheduleMembers(): Record<string, Schema> {
  const call = object(
    { function: ref("Name") },
    {
      method: { ...TEXT, default: "POST" },
      path: { ...TEXT, default: "/" },
      headers: TEXTS,
      body: { description: "A text, or a value that is sent as JSON" },
      retry: ref("RetrySpec"),
    },
  );
  const event = object(
    { topic: ref("EventName") },
    { type: { ...TEXT, default: "dev.skiff.schedule" }, attributes: TEXTS, data: {} },
  );
  return {
    timeZone: { ...TEXT, default: "UTC", example: "Europe/Berlin" },
    call: { ...call, description: "One of call, event and run is the target" },
    event,
    run: object(
      { flow: ref("EventName") },
      { input: { description: "Input of the run: a text, or a value that is sent as JSON", default: {} } },
    ),
    overlap: { enum: ["skip", "queue", "allow"], default: "skip" },
    missed: { enum: ["skip", "once", "all"], default: "once" },
    jitter: duration("30s", "Each firing is late by a time up to this one"),
    paused: { ...FLAG, default: false },
  };
}

/** @param state what the store has of it */
function declared(spec: string, state: Schema): Schema {
  return object(
    { name: ref("EventName"), spec: { anyOf: [ref(spec), { type: "object" }] } },
    {
      ...{ state, createdAt: INSTANT, updatedAt: INSTANT, created: FLAG, unchanged: FLAG },
      warnings: array(TEXT, {
        description: "What the spec names and is not there, such as a function",
      }),
      noState: { ...TEXT, description: "Why state is missing" },
      next: array(INSTANT, { description: "Of a schedule: its next ten times, without jitter" }),
      faults: array(TEXT, { description: "What is wrong with a spec that was applied to the cluster" }),
    },
  );
}

function topicState(): Schema {
  const group = object({ group: TEXT, position: COUNT, lag: COUNT });
  return object(
    {
      published: { ...COUNT, description: "Events that were ever published" },
      end: { ...COUNT, description: "Position of the last event" },
      events: { ...COUNT, description: "Events that are kept" },
      bytes: COUNT,
      groups: array(group),
      subscriptions: array(TEXT),
    },
    { oldestAt: INSTANT },
  );
}

function subscriptionState(): Schema {
  return object({
    group: TEXT,
    position: { type: ["integer", "null"], description: "All events up to it have become deliveries" },
    lag: { type: ["integer", "null"], description: "Events of the topic after the position" },
    paused: FLAG,
    ...{ waiting: COUNT, running: COUNT, done: COUNT, dead: COUNT, attempts: COUNT },
  });
}

function scheduleState(): Schema {
  return object(
    { paused: FLAG, nextAt: NULLABLE_INSTANT },
    { lastAt: INSTANT, lastOutcome: { enum: ["fired", "skipped", "missed"] } },
  );
}
