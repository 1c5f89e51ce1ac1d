import type { ProblemCode } from "../../../platform/problems.ts";
import { CALL_ID, json, OF_ANY_REQUEST, operation, problemResponses, query } from "../operation.ts";
import { array, COUNT, FLAG, object, ref, type Schema, TEXT } from "../schema.ts";

const EVENT: Schema = {
  required: true,
  description:
    "A CloudEvent in binary, structured or batch mode, or plain data with ce- headers for what should not be a default",
  content: {
    "application/cloudevents+json": { schema: { type: "object" } },
    "application/cloudevents-batch+json": { schema: array({ type: "object" }) },
    "*/*": { schema: {} },
  },
};
const IDEMPOTENCY_KEY: Schema = {
  ...{ name: "Idempotency-Key", in: "header", schema: { type: "string", maxLength: 255 } },
  description: "Id of an event of plain data: a repeated one is published once",
};
const REPLY_TO: Schema = {
  ...{ name: "Reply-To", in: "header", schema: TEXT },
  description: "Topic of the events that subscribers answer; the attribute replyto",
};
const PUBLISHED = object({
  events: array(object({ id: TEXT, position: COUNT }, { duplicate: FLAG }), {
    description: "In the order of the request",
  }),
});
const EVENT_ID: Schema = { "skiff-event": { description: "Id of the event", schema: TEXT } };
const OF_EVENTS: readonly ProblemCode[] = ["unknown_topic", "event_too_large", "store_unavailable"];
const OF_REPLIES: readonly ProblemCode[] = ["no_subscriber", "no_reply", "reply_failed", "reply_timeout"];

/** `POST /topic/NAME`, which the manager does not answer. */
export const publishOperation: Schema = operation("publish", "Publish one event, or a batch of them", {
  parameters: [IDEMPOTENCY_KEY, REPLY_TO],
  requestBody: EVENT,
  answers: { 202: json("Stored", PUBLISHED) },
  problems: OF_EVENTS,
});

/** What publishes and waits for a reply. */
export function askPaths(): Record<string, Schema> {
  const name = { name: "name", in: "path", required: true, schema: ref("EventName") };
  const replied = { description: "The reply", headers: { ...CALL_ID, ...EVENT_ID } };
  const ask = operation("ask", "Publish an event and wait for the reply of a subscriber", {
    parameters: [
      query("timeout", { ...TEXT, example: "30s", description: "At most 5m" }),
      IDEMPOTENCY_KEY,
      REPLY_TO,
    ],
    requestBody: EVENT,
    answers: { 200: replied },
    problems: [...OF_EVENTS, ...OF_REPLIES],
  });
  const problems = problemResponses([
    ...OF_ANY_REQUEST,
    ...(["unauthorized", "forbidden", "insufficient_scope", "too_many_attempts", "unknown_route"] as const),
    ...OF_REPLIES,
    ...(["event_too_large", "draining", "store_unavailable"] as const),
  ]);
  const responses = {
    default: { ...replied, description: "The reply, with its status, headers and body" },
    202: json("Stored, where replyTimeout is 0s", PUBLISHED),
    ...problems,
  };
  const methods = ["get", "put", "post", "delete", "options", "head", "patch"];
  const summary = "Publish the request to the topic of its path, and answer with the reply";
  const gateway = methods.map((method) => [method, { operationId: `${method}Gateway`, summary, responses }]);
  const description = "Begins with a path of a topic; it may have slashes";
  const path = { name: "path", in: "path", required: true, schema: TEXT, description };
  return {
    "/topic/{name}/call": { parameters: [name], post: ask },
    "/gateway/{path}": { parameters: [path], ...Object.fromEntries(gateway) },
  };
}
