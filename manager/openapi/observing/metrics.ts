import { json, NAME, operation, query } from "../operation.ts";
import { array, COUNT, INSTANT, object, ref, type Schema, TEXT } from "../schema.ts";

const MS: Schema = { type: "number", minimum: 0 };
const VERSION: Schema = { type: "integer", minimum: 1 };
const TIME: Schema = { ...TEXT, example: "2h" };

/** `/func/NAME/metrics` and `/trace/ID`. */
export function observingPaths(): Record<string, Schema> {
  const id = { name: "id", in: "path", required: true, schema: TEXT, description: "Id of the call" };
  return {
    "/func/{name}/metrics": {
      parameters: [NAME],
      get: operation("readMetrics", "Calls, errors, latency, instances and cold starts in steps of time", {
        parameters: [
          query("since", TIME, { description: "A time, or a duration before now; 2h by default" }),
          query("until", TIME, { description: "The end; now by default" }),
          query("step", { ...TEXT, default: "1m" }, { description: "Whole minutes" }),
        ],
        answers: { 200: json("The steps, oldest first", ref("FunctionMetrics")) },
        problems: ["invalid_name", "unknown_function", "store_unavailable"],
      }),
    },
    "/trace/{id}": {
      parameters: [id],
      get: operation("describeTrace", "What is known of one call, of any function", {
        parameters: [query("function", ref("Name"), { description: "Where it went, if that is known" })],
        answers: { 200: json("The call", ref("Trace")) },
        problems: ["invalid_name", "unknown_call", "store_unavailable"],
      }),
    },
  };
}

export function observingSchemas(): Record<string, Schema> {
  return { FunctionMetrics: metrics(), Trace: trace() };
}

function metrics(): Schema {
  const point = object(
    {
      ...{ at: INSTANT, calls: COUNT, errors: COUNT },
      refused: { ...COUNT, description: "Calls that Skiff refused: access and quota" },
      coldStarts: COUNT,
      wakeMs: {
        ...{ type: "object", additionalProperties: MS },
        description: "Time that cold starts spent in each step",
      },
    },
    {
      ...{ p50Ms: MS, p95Ms: MS, p99Ms: MS },
      instances: { ...COUNT, description: "Most ready instances; absent where nobody took a sample" },
      memoryMiB: { ...MS, description: "Most memory of all instances, where it is measured" },
    },
  );
  return object({
    stepS: { type: "integer", minimum: 60 },
    ...{ from: INSTANT, points: array(point) },
    versions: {
      ...{ type: "object", additionalProperties: object({ calls: COUNT, errors: COUNT }) },
      description: "By number",
    },
  });
}

function trace(): Schema {
  const status = { type: "integer" };
  const span = object(
    { name: TEXT, startMs: { type: "number" }, durationMs: MS },
    { function: ref("Name"), version: VERSION, status },
  );
  const line = object(
    { at: INSTANT, function: ref("Name"), level: TEXT, stream: TEXT, text: TEXT },
    { version: VERSION },
  );
  const run = object({ flow: TEXT, id: TEXT, step: TEXT, attempt: VERSION }, { item: COUNT });
  return object(
    { callId: TEXT, spans: array(span), lines: array(line) },
    {
      ...{ function: ref("Name"), version: VERSION, instance: TEXT, status },
      ...{ startedAt: INSTANT, durationMs: MS },
      call: ref("CallRecord"),
      run: { ...run, description: "The attempt of a step that made the call" },
      isCut: { type: "boolean", description: "The search for lines took too long: name the function" },
    },
  );
}
