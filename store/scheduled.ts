import { retryPolicyOf } from "../platform/events/check-retry.ts";
import { type RetrySettings, type RetrySpec, retryPolicy } from "../platform/events/retry-policy.ts";
import type {
  ScheduledCall,
  ScheduledEvent,
  ScheduledRun,
  ScheduleSpec,
} from "../platform/events/schedule-spec.ts";
import { type Bodies, EMPTY_BODY, INLINE_BYTES, type StoredBody } from "./bodies.ts";
import type { NewCall } from "./call.ts";
import type { NewEvent } from "./event.ts";

/** What a schedule sends. */
export interface ScheduleTarget extends Pick<ScheduleSpec, "call" | "event" | "run" | "overlap"> {
  /** Name of its timer (timers.ts). */
  readonly name: string;
}

/** One time of a schedule, or a run by hand. */
export interface FiringTime {
  /** The scheduled time; with `isManual` the present. Milliseconds since 1970. */
  readonly at: number;
  readonly now: number;
  readonly isManual?: boolean | undefined;
  /** Of the call, or of the event (call-id.ts). */
  readonly id: string;
  /** Begins the trace of this firing. */
  readonly traceparent: string;
  readonly by: string;
  readonly keyId?: string | undefined;
  /** The setting `retry` of the function. */
  readonly retry?: RetrySettings | undefined;
}

export type Fired = { readonly call: NewCall } | { readonly event: NewEvent };

/** Order keys of schedules with `overlap: queue` begin with it, and no others. */
export const SCHEDULE_KEY = "schedule ";
/** How long a run waits for its turn. */
const LONGEST_TURN = "7d";
const EVENT_TYPE = "dev.skiff.schedule";

/** Returns the call or the event of a firing. Writes a body over 64 KiB to `bodies`. */
export async function firedBy(target: ScheduleTarget, time: FiringTime, bodies: Bodies): Promise<Fired> {
  if (target.event !== undefined) return { event: await eventOf(target.event, target, { time, bodies }) };
  const { run, overlap = "skip" } = target;
  const call = run === undefined ? toFunction(target.call!) : toFlow(run, time.isManual ? "allow" : overlap);
  return { call: await callOf(call, target, { time, bodies }) };
}

type Overlap = NonNullable<ScheduleSpec["overlap"]>;

interface Context {
  readonly time: FiringTime;
  readonly bodies: Bodies;
}

/** What depends on the target of a call. */
interface Aim extends Pick<NewCall, "queue" | "target"> {
  readonly request: Omit<ScheduledCall, "function" | "retry">;
  readonly retry?: RetrySpec | undefined;
}

function toFunction({ function: name, retry, ...request }: ScheduledCall): Aim {
  return { queue: `fn/${name}`, target: { function: name }, request, retry };
}

/** A run that begins has an input. Its call ends before it, so that whoever begins it looks after overlaps as well. */
function toFlow({ flow, input = {} }: ScheduledRun, overlap: Overlap): Aim {
  return {
    ...{ queue: `flow/${flow}`, target: { flow } },
    request: { body: input, headers: { "skiff-overlap": overlap } },
    // Refused as long as an earlier run is live.
    ...(overlap === "queue" ? { retry: { maxAge: LONGEST_TURN } } : {}),
  };
}

async function callOf(aim: Aim, target: ScheduleTarget, context: Context): Promise<NewCall> {
  const { queue, target: aimedAt, request: call, retry } = aim;
  const { name, overlap = "skip" } = target;
  const { time } = context;
  const { body, type } = await contentOf(call.body, context.bodies);
  const own = Object.entries(call.headers ?? {});
  const has = (field: string) => own.some(([each]) => each.toLowerCase() === field);
  const added = { "skiff-schedule": name, "skiff-scheduled-at": new Date(time.at).toISOString() };
  const headers = Object.entries({ ...(type === undefined ? {} : { "content-type": type }), ...added });
  return {
    id: time.id,
    queue,
    target: aimedAt,
    request: {
      method: call.method ?? "POST",
      path: call.path ?? "/",
      headers: [...own, ...headers.filter(([field]) => !has(field))].flat(),
      body,
    },
    policy: retryPolicyOf(retry, retryPolicy(time.retry)),
    origin: { kind: "schedule", name, at: time.at, ...(time.isManual ? { manual: true } : {}) },
    acceptedAt: time.now,
    dueAt: time.now,
    priority: 0,
    orderKey: overlap === "queue" ? `${SCHEDULE_KEY}${name}` : "",
    by: time.by,
    keyId: time.keyId,
    traceparent: time.traceparent,
    keepsRecord: true,
  };
}

async function eventOf(event: ScheduledEvent, { name }: ScheduleTarget, context: Context): Promise<NewEvent> {
  const { time } = context;
  const { body, type } = await contentOf(event.data, context.bodies);
  return {
    topic: event.topic,
    id: time.id,
    source: `/schedule/${name}`,
    type: event.type ?? EVENT_TYPE,
    attributes: {
      time: new Date(time.at).toISOString(),
      ...(type === undefined ? {} : { datacontenttype: type }),
      traceparent: time.traceparent,
      ...event.attributes,
    },
    data: body,
    isDeduplicated: false,
  };
}

/** A text is sent as it is, everything else as JSON. */
async function contentOf(value: unknown, bodies: Bodies): Promise<{ body: StoredBody; type?: string }> {
  if (value === undefined || value === null) return { body: EMPTY_BODY };
  const isText = typeof value === "string";
  const bytes = Buffer.from(isText ? value : JSON.stringify(value));
  const type = isText ? "text/plain; charset=utf-8" : "application/json";
  if (bytes.length <= INLINE_BYTES) return { body: { inline: bytes }, type };
  const parts = (async function* () {
    yield bytes;
  })();
  return { body: await bodies.write(parts, bytes.length), type };
}
