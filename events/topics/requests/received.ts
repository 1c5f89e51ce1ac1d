import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { checkAttributes } from "../../../calling/cloudevents/attributes.ts";
import {
  eventMode,
  headersOf,
  type MessageHeaders,
  readContext,
} from "../../../calling/cloudevents/http-event.ts";
import { readJsonEvents } from "../../../calling/cloudevents/json-event.ts";
import { ownAttributes } from "../../../calling/cloudevents/own-attributes.ts";
import type { ReceivedEvent } from "../../../calling/cloudevents/received-event.ts";
import { storeBody } from "../../../calling/stored-bodies.ts";
import { isTraceparent, newTraceparent } from "../../../http/traceparent.ts";
import type { Limits } from "../../../platform/limits.ts";
import { Problem } from "../../../platform/problems.ts";
import type { Bodies } from "../../../store/bodies.ts";
import type { NewEvent } from "../../../store/event.ts";
import { eventTooLarge } from "../topic-problems.ts";
import { readBody } from "./read-body.ts";

export interface ReceiveOptions {
  readonly topic: string;
  /** Most bytes of an event. */
  readonly mostBytes: number;
  readonly limits: Limits;
  readonly bodies: Pick<Bodies, "write">;
  readonly now: () => number;
}

/** Attributes, and Base64 is a third longer than data. */
const JSON_BYTES = 64 * 1024;
const JSON_FACTOR = 2;
/** A batch may be as long as so many events of the greatest size. */
const BATCH_FACTOR = 10;
const MOST_KEY = 255;

/**
 * Reads the events that a request publishes.
 * @throws Problem `invalid_request`, `event_too_large`, `request_timeout`, `store_unavailable`; ClientLeft
 */
export async function receiveEvents(
  request: IncomingMessage,
  { topic, mostBytes, limits, bodies, now }: ReceiveOptions,
): Promise<NewEvent[]> {
  const headers = headersOf(request.rawHeaders);
  const key = idempotencyKey(headers);
  const mode = eventMode(headers);
  const tooLarge = () => eventTooLarge(topic, mostBytes);
  const factor = mode === "batch" ? BATCH_FACTOR : JSON_FACTOR;
  const isJson = mode === "batch" || mode === "structured";
  const mostBody = isJson ? factor * mostBytes + JSON_BYTES : mostBytes;
  const body = await readBody(request, { mostBytes: mostBody, limits, tooLarge });
  const time = new Date(now()).toISOString();
  const defaults = { id: key ?? randomUUID(), source: `/topic/${topic}`, type: "dev.skiff.event", time };
  const events: readonly ReceivedEvent[] = isJson
    ? readJsonEvents(mode, body)
    : [{ ...readContext(headers, mode === "plain" ? defaults : undefined), data: body }];
  if (events.some(({ data }) => data.length > mostBytes)) throw tooLarge();
  const common = commonAttributes(headers);
  const isDeduplicated = mode !== "plain" || key !== undefined || headers["ce-id"] !== undefined;
  return Promise.all(
    events.map(async ({ data, ...context }) => {
      const attributes = { ...common.weak, ...ownAttributes(context.attributes), ...common.strong };
      checkAttributes(attributes);
      return { ...context, topic, attributes, data: await storeBody(bodies, data), isDeduplicated };
    }),
  );
}

/** `Reply-To` names the topic of replies. An event that is of no trace belongs to that of its request. */
function commonAttributes(headers: MessageHeaders): {
  readonly weak: Readonly<Record<string, string>>;
  readonly strong: Readonly<Record<string, string>>;
} {
  const { "reply-to": replyto, traceparent } = headers;
  return {
    weak: { traceparent: traceparentOf(traceparent) },
    strong: replyto === undefined ? {} : { replyto },
  };
}

export function traceparentOf(field: string | undefined): string {
  return field !== undefined && isTraceparent(field) ? field : newTraceparent();
}

function idempotencyKey(headers: MessageHeaders): string | undefined {
  const { "idempotency-key": key } = headers;
  if (key === undefined || (key !== "" && key.length <= MOST_KEY)) return key;
  const detail = `The Idempotency-Key has ${key.length} characters: use 1 to ${MOST_KEY}.`;
  throw new Problem("invalid_request", detail);
}
