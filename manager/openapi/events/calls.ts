import type { Limits } from "../../../platform/limits.ts";
import { CALL_ID, json, operation, query, text } from "../operation.ts";
import { array, COUNT, INSTANT, object, ref, type Schema, TEXT } from "../schema.ts";

const ID: Schema = { name: "id", in: "path", required: true, schema: ref("CallRecordId") };
const STATES = ["waiting", "running", "done", "dead", "cancelled"];
const TIME = { ...TEXT, example: "15m" };
const FIELDS: Schema = { type: "object", additionalProperties: TEXT };

function filters(): Schema[] {
  return [
    query("function", ref("Name"), { description: "Calls of this function, deliveries and firings too" }),
    query("state", TEXT, { description: `Some of ${STATES.join(", ")}, separated by commas` }),
    query("topic", ref("EventName"), { description: "Deliveries to the subscriptions of this topic" }),
    query("subscription", ref("EventName")),
    query("schedule", TEXT, { description: "A schedule, or fn/NAME/0 for the first cron of a function" }),
    query("since", TIME, { description: "Accepted from then on: a time, or a duration before now" }),
    query("until", TIME, { description: "Accepted before then" }),
  ];
}

/** `/call` and the paths below it. */
export function callRecordPaths({ pageSize }: Limits): Record<string, Schema> {
  const limit = query("limit", { type: "integer", minimum: 1, maximum: pageSize, default: pageSize });
  const page = [limit, query("cursor", TEXT)];
  const wait = query("wait", { ...TEXT, example: "30s" }, { description: "Wait for the end, at most 60s" });
  const call = json("The call", ref("CallRecord"));
  const location = { location: { schema: TEXT, description: "Path of the call" } };
  return {
    "/call": {
      get: operation("listCalls", "A page of asynchronous calls and their records, newest first", {
        parameters: [...filters(), ...page],
        answers: { 200: json("The page", ref("CallRecordPage")) },
        problems: ["store_unavailable"],
      }),
      delete: operation("removeCalls", "Cancel calls that wait, and remove records of ended ones", {
        parameters: [...filters(), ...page],
        answers: { 200: json("At most 10,000 at a time", ref("RemovedCalls")) },
        problems: ["store_unavailable"],
      }),
    },
    "/call/retry": {
      post: operation("retryCalls", "Let all dead calls that match wait again", {
        parameters: [...filters(), ...page],
        answers: { 200: json("At most 10,000 at a time", ref("RetriedCalls")) },
        problems: ["store_unavailable"],
      }),
    },
    "/call/{id}": {
      parameters: [ID],
      get: operation("describeCall", "State, request, attempts and answer of a call", {
        parameters: [wait],
        answers: { 200: call },
        problems: ["unknown_call", "store_unavailable"],
      }),
      delete: operation("removeCall", "Cancel a call that waits, or remove the record of an ended one", {
        answers: { 200: json("Done", object({ success: { const: true }, cancelled: { type: "boolean" } })) },
        problems: ["unknown_call", "call_running", "store_unavailable"],
      }),
    },
    "/call/{id}/result": { parameters: [ID], get: resultOperation(wait) },
    "/call/{id}/logs": {
      parameters: [ID],
      get: operation("readCallLogs", "The lines of all attempts that have ended", {
        parameters: [query("raw", { type: "boolean", default: false })],
        answers: { 200: text("The lines; NDJSON or server-sent events by Accept") },
        problems: ["unknown_call", "store_unavailable"],
      }),
    },
    "/call/{id}/retry": {
      parameters: [ID],
      post: operation("retryCall", "Let a dead call wait again, with all its attempts anew", {
        answers: {
          202: {
            ...json("It waits", object({ id: ref("CallRecordId"), state: { const: "waiting" } })),
            headers: { ...CALL_ID, ...location },
          },
        },
        problems: ["unknown_call", "call_not_dead", "store_unavailable"],
      }),
    },
  };
}

function resultOperation(wait: Schema): Schema {
  const status = { description: "Status that the function answered with", schema: { type: "integer" } };
  const state = { description: "State of the call", schema: { enum: STATES } };
  const attempts = { description: "Attempts that it took", schema: COUNT };
  const cut = { description: "Present if the body was longer than SKIFF_MAX_RESULT", schema: TEXT };
  return operation("readResult", "The body that the function answered with, and its Content-Type", {
    parameters: [wait],
    answers: {
      200: {
        description: "The body",
        headers: {
          ...CALL_ID,
          ...{ "skiff-status": status, "skiff-state": state, "skiff-attempts": attempts, "skiff-cut": cut },
        },
        content: { "*/*": { schema: { type: "string", format: "binary" } } },
      },
      202: json("The call has not ended", ref("CallRecord")),
    },
    problems: ["unknown_call", "no_result", "store_unavailable"],
  });
}

/** Schemas of the answers. */
export function callRecordSchemas({ pageSize }: Limits): Record<string, Schema> {
  const more = { type: "boolean", description: "Others match too: send the request again" };
  return {
    CallRecordId: { type: "string", pattern: "^[0-9a-f]{32}$" },
    CallRecord: callRecord(),
    CallRecordPage: object({
      calls: array(ref("CallRecord"), { maxItems: pageSize }),
      next: { type: ["string", "null"], description: "Cursor of the next page; null on the last one" },
    }),
    RetriedCalls: object({ retried: COUNT, more }),
    RemovedCalls: object({ cancelled: COUNT, removed: COUNT, more }),
  };
}

function callRecord(): Schema {
  const attempt = object(
    { number: { type: "integer", minimum: 1 }, startedAt: INSTANT, endedAt: INSTANT },
    { callId: TEXT, status: { type: "integer" }, error: TEXT },
  );
  const answer = object({
    ...{ status: { type: "integer" }, headers: FIELDS, bytes: COUNT },
    isCut: { type: "boolean", description: "The body was longer than SKIFF_MAX_RESULT" },
  });
  const origin = object(
    { kind: { enum: ["api", "schedule", "subscription", "callback"] } },
    {
      ...{ name: TEXT, at: INSTANT, manual: { type: "boolean" }, call: ref("CallRecordId") },
      ...{ topic: TEXT, group: TEXT, position: COUNT, event: TEXT },
    },
  );
  return object(
    {
      ...{ id: ref("CallRecordId"), state: { enum: STATES }, method: TEXT, path: TEXT },
      headers: { ...FIELDS, description: "Values of fields with credentials are hidden" },
      bytes: { ...COUNT, description: "Size of the body" },
      origin: { ...origin, description: "Why the call exists" },
      by: { ...TEXT, description: "Who made it, as in the audit log" },
      ...{ acceptedAt: INSTANT, dueAt: INSTANT, priority: { type: "integer", minimum: -9, maximum: 9 } },
      retry: object({ attempts: COUNT, backoffMs: COUNT, maxAgeMs: COUNT, on: array(TEXT) }),
      attempts: array(attempt),
    },
    {
      function: ref("Name"),
      flow: { ...ref("EventName"), description: "Instead of function: of which a run begins" },
      version: { type: "integer", minimum: 1 },
      url: TEXT,
      keyId: TEXT,
      orderKey: { ...TEXT, description: "Calls with the same key run one at a time, in order" },
      callback: TEXT,
      callbackCall: {
        ...object({ id: ref("CallRecordId"), state: { enum: STATES } }),
        description: "Of GET /call/ID: the call that sends the outcome, until it is done",
      },
      runningSince: INSTANT,
      endedAt: INSTANT,
      reason: { ...TEXT, description: "Why it is dead" },
      answer,
      traceparent: TEXT,
    },
  );
}
