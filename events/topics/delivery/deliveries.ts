import { binaryHeaders, headersOf, readContext } from "../../../calling/cloudevents/http-event.ts";
import { ownAttributes } from "../../../calling/cloudevents/own-attributes.ts";
import { fieldsWithout } from "../../../http/fields.ts";
import type { RetryPolicy } from "../../../platform/events/retry-policy.ts";
import type { CallTarget, NewCall, StoredRequest } from "../../../store/call.ts";
import type { StoredEvent } from "../../../store/topics.ts";
import { orderKeyOf, type Subscription } from "./groups.ts";

export const QUEUE_PREFIX = "sub/";
/** Of events that the gateway publishes. */
export const GATEWAY_TYPE = "dev.skiff.http";
export const GATEWAY_SOURCE = "/gateway";

export interface DeliveryOptions {
  readonly group: string;
  readonly now: number;
  readonly newId: () => string;
  /** The policy of deliveries to a member. */
  readonly policy: (member: Subscription) => RetryPolicy;
}

export function queueOf(subscription: string): string {
  return `${QUEUE_PREFIX}${subscription}`;
}

/** Returns the call that brings an event to a member of a group. */
export function deliveryOf(
  event: StoredEvent,
  member: Subscription,
  { group, now, newId, policy }: DeliveryOptions,
): NewCall {
  const { name, spec } = member;
  const { topic, position } = event;
  const { traceparent, tracestate } = ownAttributes(event.attributes);
  // Once its time is over, as in a replay or for a paused member, an event is like any other.
  const isAwaited = event.waiter !== undefined && event.waiter.until > now;
  const waiter = isAwaited && spec.replies !== false && spec.paused !== true ? event.waiter : undefined;
  const origin = { kind: "subscription", name, topic, group, position, event: event.id } as const;
  return {
    id: newId(),
    queue: queueOf(name),
    target: targetOf(member),
    request: requestOf(event, member),
    policy: waiter === undefined ? policy(member) : onlyOnce(waiter.until - now),
    origin: waiter === undefined ? origin : { ...origin, waiter: waiter.id },
    acceptedAt: now,
    dueAt: now,
    priority: 0,
    orderKey: orderKeyOf(member, event),
    by: `subscription ${name}`,
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(tracestate === undefined ? {} : { tracestate }),
    keepsRecord: false,
  };
}

/** Returns the event of a delivery, as far as its request has it: a URL and a flow get no request of a gateway. */
export function eventOf(
  { request, target, acceptedAt }: Pick<NewCall, "request" | "target" | "acceptedAt">,
  { topic, position }: Pick<StoredEvent, "topic" | "position">,
): StoredEvent {
  const { method, path, headers, body: data } = request;
  const context = readContext(headersOf(headers));
  const isGateway =
    "function" in target && context.type === GATEWAY_TYPE && context.source === GATEWAY_SOURCE;
  return {
    ...{ ...context, topic, position, publishedAt: acceptedAt, data, isDeduplicated: false },
    ...(isGateway ? { http: { method, path, headers: withoutEventFields(headers) } } : {}),
  };
}

/** Returns the fields of a request besides those of the event and of Skiff, which come from the event alone. */
export function withoutEventFields(headers: readonly string[]): string[] {
  return fieldsWithout(headers, (name) => /^(content-type$|ce-|skiff-)/.test(name));
}

/** Whoever waits gets the error at once, and may try again. */
function onlyOnce(maxAgeMs: number): RetryPolicy {
  return { attempts: 1, backoffMs: 0, maxAgeMs, on: [] };
}

function targetOf({ spec }: Subscription): CallTarget {
  if (spec.flow !== undefined) return { flow: spec.flow };
  return spec.url === undefined ? { function: spec.function! } : { url: spec.url };
}

/**
 * A function gets the request of a gateway as the client sent it, with the attributes of the event besides. Others may not
 * see what clients sent, such as cookies: a URL gets the event alone. So does a flow, whose runs keep what they get.
 */
function requestOf(event: StoredEvent, { name, spec }: Subscription): StoredRequest {
  const { topic, data, http } = event;
  const attributes = [...binaryHeaders(event), "skiff-topic", topic, "skiff-subscription", name];
  if (spec.url !== undefined) {
    const { pathname, search } = new URL(spec.url);
    return { method: "POST", path: `${pathname}${search}`, headers: attributes, body: data };
  }
  if (http === undefined || spec.flow !== undefined)
    return { method: "POST", path: spec.path ?? "/", headers: attributes, body: data };
  const { method, path, headers } = http;
  return { method, path, headers: [...headers, ...attributes], body: data };
}
