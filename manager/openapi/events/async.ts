import type { ProblemCode } from "../../../platform/problems.ts";
import { CALL_ID, NAME, OF_ANY_REQUEST, problemResponses, query, VERSION } from "../operation.ts";
import type { Schema } from "../schema.ts";
import { INSTANT, TEXT } from "../schema.ts";

const PROBLEMS: readonly ProblemCode[] = [
  ...OF_ANY_REQUEST,
  "invalid_setting",
  "unauthorized",
  "forbidden",
  "insufficient_scope",
  "unknown_function",
  "unknown_version",
  "body_too_large",
  "idempotency_key_reused",
  "too_many_waiting",
  "too_many_attempts",
  "too_many_uploads",
  "store_unavailable",
  "draining",
];

/** Parameters of the query, which are also headers `skiff-NAME`. */
const OPTIONS: readonly (readonly [name: string, schema: Schema, description: string])[] = [
  ["delay", TEXT, "Time until the first attempt, such as 30s"],
  ["at", INSTANT, "Time of the first attempt"],
  ["priority", { type: "integer", minimum: -9, maximum: 9, default: 0 }, "Higher ones go first"],
  ["key", TEXT, "Calls of a function with the same key run one at a time, in order"],
  ["callback", { type: "string", format: "uri" }, "Gets the outcome, signed"],
  ["attempts", { type: "integer", minimum: 1, maximum: 100 }, "Most attempts"],
  ["backoff", TEXT, "Longest wait after the first attempt; it doubles with each"],
  ["max-age", TEXT, "Age at which no further attempt starts"],
  ["retry-on", TEXT, "Outcomes that are tried again, such as 429,5xx,connection"],
];

/** `/async/fn`: asynchronous calls of functions. */
export function asyncPaths(): Record<string, Schema> {
  const location = { location: { schema: TEXT, description: "Path of the record" } };
  const replayed = { description: "The request was a repeated one", schema: { const: "true" } };
  const accepted: Schema = {
    description: "The call is stored",
    headers: { ...CALL_ID, ...location, "idempotency-replayed": replayed, traceparent: { schema: TEXT } },
    content: {
      "application/json": {
        schema: {
          type: "object",
          required: ["id", "url"],
          properties: {
            ...{ id: TEXT, url: TEXT },
            state: { const: "waiting", description: "Absent for a repeated request" },
          },
        },
      },
    },
  };
  const responses = { 202: accepted, ...problemResponses(PROBLEMS) };
  const idempotency = { name: "Idempotency-Key", in: "header", schema: { type: "string", maxLength: 255 } };
  const options = OPTIONS.map(([name, schema, description]) => query(name, schema, { description }));
  const operations = (suffix: string) =>
    Object.fromEntries(
      ["get", "put", "post", "delete", "options", "head", "patch"].map((method) => [
        method,
        {
          ...{ operationId: `${method}${suffix}`, summary: "Call the function asynchronously" },
          ...{ parameters: [idempotency, ...options], security: [], responses },
        },
      ]),
    );
  const rest = { name: "path", in: "path", required: true, schema: TEXT, description: "It may have slashes" };
  const command = (method: string) => ({
    ...{
      operationId: `${method}AsyncExec`,
      summary: "Run a command asynchronously, with the query of /exec",
    },
    parameters: [idempotency, query("image", TEXT, { required: true }), ...options],
    responses: {
      202: accepted,
      ...problemResponses([...PROBLEMS, "exec_off", "image_not_allowed"]),
    },
  });
  return {
    "/async/exec": { get: command("get"), post: command("post") },
    "/async/fn/{name}": { parameters: [NAME], ...operations("Async") },
    "/async/fn/{name}/{path}": { parameters: [NAME, rest], ...operations("AsyncPath") },
    "/async/fn/{name}@{version}": { parameters: [NAME, VERSION], ...operations("AsyncVersion") },
    "/async/fn/{name}@{version}/{path}": {
      ...{ parameters: [NAME, VERSION, rest], ...operations("AsyncVersionPath") },
    },
  };
}
