import { LOG_LEVELS } from "../../platform/platform.ts";
import { CALL_ID, operation } from "./operation.ts";
import { INSTANT, ref, type Schema, TEXT } from "./schema.ts";

const VERSION: Schema = { type: "integer", minimum: 1 };
const LEVEL: Schema = { enum: LOG_LEVELS };

/** `/func/{name}/logs`. */
export function logPaths(): Record<string, Schema> {
  const query = (name: string, schema: Schema, description: string) => {
    return { name, in: "query", schema, description };
  };
  const time = "a duration before now, such as `15m`, or a time";
  const lastId = "Id of the last line that the client has; it gets those after it";
  return {
    "/func/{name}/logs": {
      parameters: [{ name: "name", in: "path", required: true, schema: ref("Name") }],
      get: operation("readLogs", "What a function printed", {
        parameters: [
          query("tail", { type: "integer", minimum: 0, maximum: 10_000 }, "Most lines; 100 by default"),
          query("since", TEXT, `The start: ${time}`),
          query("until", TEXT, `The end, which is excluded: ${time}`),
          query("follow", { type: "boolean" }, "Continue until the client disconnects"),
          query("call", TEXT, "Only the lines of the call with this id"),
          query("level", LEVEL, "The least level"),
          query("version", VERSION, "Only the lines of this version"),
          query("search", TEXT, "Part of the text, without regard to case"),
          query("status", TEXT, "Only failed calls with this status, such as `502` or `5xx`"),
          query(
            "raw",
            { type: "boolean", default: false },
            "Keep control characters, which are escaped in text",
          ),
          { name: "last-event-id", in: "header", schema: TEXT, description: lastId },
        ],
        answers: {
          200: {
            description: "The lines, oldest first",
            headers: CALL_ID,
            content: {
              "text/plain": { schema: TEXT },
              "application/x-ndjson": { schema: ref("LogLine") },
              "text/event-stream": { schema: TEXT },
            },
          },
        },
        problems: ["invalid_name", "unknown_function", "store_unavailable"],
      }),
    },
  };
}

export function logSchemas(): Record<string, Schema> {
  const properties = {
    at: INSTANT,
    function: ref("Name"),
    version: VERSION,
    instance: { ...TEXT, description: "Empty for lines of Skiff about the function" },
    stream: { enum: ["stdout", "stderr", "platform", "call"], description: "`call`: a call that failed" },
    level: LEVEL,
    callId: TEXT,
    status: { type: "integer", description: "Status of a failed call" },
    text: { ...TEXT, description: "What was printed at once; it may have several lines" },
    id: { ...TEXT, description: "For `last-event-id`; absent if the line is not kept" },
  };
  const required = ["at", "function", "instance", "stream", "level", "text"];
  return { LogLine: { type: "object", properties, required } };
}
