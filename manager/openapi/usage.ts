import { CALL_ID, operation } from "./operation.ts";
import { array, COUNT, INSTANT, object, ref, type Schema, TEXT } from "./schema.ts";

/** Describes two members of the last hour. */
export const LIVE_COUNTS = "`liveCalls` and `liveErrors` count only the versions that have traffic now";

const COLUMN: Schema = { enum: ["function", "key", "version", "hour"] };
const USED = {
  calls: COUNT,
  errors: { ...COUNT, description: "Calls answered with 5xx, or broken off by the function or by Skiff" },
  gbSeconds: { type: "number", minimum: 0, description: "Seconds on an instance, times its memory in GB" },
  bytesOut: { ...COUNT, description: "Bytes sent to clients, heads included" },
} as const satisfies Record<string, Schema>;

/** `/usage`. */
export function usagePaths(): Record<string, Schema> {
  const query = (name: string, schema: Schema, description: string) => {
    return { name, in: "query", schema, description };
  };
  const columns = { type: "array", items: COLUMN, uniqueItems: true, default: ["function"] };
  return {
    "/usage": {
      get: operation("readUsage", "Calls, errors, GB-seconds and bytes of whole hours", {
        parameters: [
          { ...query("by", columns, "Columns of the sums"), style: "form", explode: false },
          query("from", TEXT, "A date or time, rounded down to the hour; the start of the month by default"),
          query("to", TEXT, "The end, which is excluded; the end of this hour by default"),
          query("function", ref("Name"), "Only the calls of this function"),
          query("key", TEXT, "Only the calls with the key of this id; empty for calls without one"),
          query("format", { enum: ["json", "csv"] }, "`Accept` decides by default"),
        ],
        answers: {
          200: {
            description: "The sums",
            headers: CALL_ID,
            content: {
              "application/json": { schema: ref("Usage") },
              "text/csv": { schema: TEXT },
            },
          },
        },
        problems: ["store_unavailable"],
      }),
    },
  };
}

export function usageSchemas(): Record<string, Schema> {
  const columns = {
    ...{ function: ref("Name"), version: { type: "integer", minimum: 1 }, hour: INSTANT },
    key: { ...TEXT, description: "Empty for calls without a key" },
  };
  return {
    Used: object(USED),
    Usage: object({
      ...{ from: INSTANT, to: INSTANT, by: array(COLUMN) },
      usage: array(object(USED, columns)),
      total: ref("Used"),
    }),
  };
}

/** Members of a description that come from the store. */
export function historySchemas(): Record<string, Schema> {
  const ms = { type: "number", minimum: 0 };
  const version = { type: "integer", minimum: 1 };
  const failure = { callId: TEXT, version, status: { type: "integer", minimum: 500, maximum: 599 } };
  return {
    lastHour: {
      ...object(
        { calls: COUNT, errors: COUNT, liveCalls: COUNT, liveErrors: COUNT },
        { p50Ms: ms, p95Ms: ms },
      ),
      description: `Calls of the last hour; ${LIVE_COUNTS}; median and 95th percentile within 10 %`,
    },
    lastFailures: array(object({ at: INSTANT, text: TEXT }, failure), {
      description: "Failed calls of the last hour, newest last",
    }),
    lastRollback: {
      ...object({ at: INSTANT, reason: TEXT }),
      description: "When and why the guard took a version back last",
    },
    lastRefusal: {
      ...object({ at: INSTANT, reason: TEXT }),
      description: "When the guard failed last and left the version its traffic, and why",
    },
    async: {
      ...object({ waiting: COUNT, running: COUNT, dead: COUNT }),
      description: "Asynchronous calls of the function",
    },
    schedules: array(
      object(
        { schedule: TEXT, cron: TEXT, next: array(INSTANT) },
        { lastAt: INSTANT, lastOutcome: { enum: ["fired", "skipped", "missed"] } },
      ),
      { description: "The next ten times of each cron of the function, and its last one" },
    ),
    noHistory: { ...TEXT, description: "Why lastHour and lastFailures are missing" },
  };
}
