import type { ProblemCode } from "../../../platform/problems.ts";
import { CALL_ID, json, OF_ANY_REQUEST, operation, problemResponses, query } from "../operation.ts";
import { object, ref, type Schema, TEXT } from "../schema.ts";
import { FLOW } from "./flows.ts";
import { RUN_STATES } from "./schemas.ts";

const IDEMPOTENCY_KEY: Schema = {
  ...{ name: "Idempotency-Key", in: "header", schema: { type: "string", maxLength: 255 } },
  description: "A repeated one begins no other run",
};
const OF_INPUTS: readonly ProblemCode[] = [
  ...(["unknown_flow", "invalid_flow", "invalid_input", "idempotency_key_reused", "body_too_large"] as const),
  ...(["too_many_runs", "too_many_uploads", "run_failed", "store_unavailable"] as const),
];
const RUN_HEADERS: Schema = {
  ...CALL_ID,
  "skiff-run": { schema: ref("RunId"), description: "Id of the run" },
  "idempotency-replayed": { schema: { const: "true" }, description: "The request was a repeated one" },
  traceparent: { schema: TEXT },
};
const BEGUN: Schema = {
  ...json(
    "The run is stored, and has not ended in the time that was given to it",
    object({ id: ref("RunId"), url: TEXT, state: { enum: RUN_STATES } }),
  ),
  headers: { ...RUN_HEADERS, location: { schema: TEXT, description: "Path of the run" } },
};

/** `POST /flow/NAME/run`, which the manager does not answer. */
export const beginOperation: Schema = operation("beginRun", "Begin a run; the body is its input", {
  parameters: [
    query("wait", { ...TEXT, example: "30s" }, { description: "Wait for the output, at most 5m" }),
    IDEMPOTENCY_KEY,
  ],
  requestBody: {
    description: "JSON is a value for expressions, and so is text. Anything else can be handed on whole",
    content: { "application/json": { schema: {} }, "*/*": { schema: {} } },
  },
  answers: {
    200: { description: "With `wait`: the output", headers: RUN_HEADERS, content: { "*/*": { schema: {} } } },
    202: BEGUN,
  },
  problems: OF_INPUTS,
});

/** The HTTP triggers of flows. */
export function triggerPaths(): Record<string, Schema> {
  const path = { name: "path", in: "path", required: true, schema: TEXT, description: "It may have slashes" };
  return {
    "/flow/{name}/http": { parameters: [FLOW], ...methods("Trigger") },
    "/flow/{name}/http/{path}": { parameters: [FLOW, path], ...methods("TriggerPath") },
  };
}

function methods(suffix: string): Record<string, Schema> {
  const problems = problemResponses([
    ...OF_ANY_REQUEST,
    ...OF_INPUTS,
    ...(["unauthorized", "forbidden", "insufficient_scope", "too_many_attempts", "unknown_route"] as const),
    ...(["method_not_allowed", "draining"] as const),
  ]);
  const responses = {
    200: { description: "The output of the step that `respond` names", headers: RUN_HEADERS },
    202: BEGUN,
    204: { description: "That output is null", headers: RUN_HEADERS },
    ...problems,
  };
  const names = ["get", "put", "post", "delete", "options", "head", "patch"];
  const summary = "Begin a run with the request, for the methods that the trigger has";
  return Object.fromEntries(
    names.map((method) => [
      method,
      { operationId: `${method}${suffix}`, summary, parameters: [IDEMPOTENCY_KEY], security: [], responses },
    ]),
  );
}
