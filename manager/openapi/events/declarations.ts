import type { Limits } from "../../../platform/limits.ts";
import type { ProblemCode } from "../../../platform/problems.ts";
import { CALL_ID, json, operation, query } from "../operation.ts";
import { ref, type Schema, TEXT } from "../schema.ts";
import { publishOperation } from "./publish.ts";

const NAME: Schema = { name: "name", in: "path", required: true, schema: ref("EventName") };
const IF_MATCH: Schema = {
  ...{ name: "If-Match", in: "header", schema: TEXT },
  description: "It must have one of these ETags; * for any",
};
const IF_NONE_MATCH: Schema = {
  ...{ name: "If-None-Match", in: "header", schema: { const: "*" } },
  description: "It must not exist",
};
const ETAG = { etag: { schema: TEXT, description: "The revision in quotes, for If-Match" } };

interface Noun {
  readonly noun: "topic" | "subscription" | "schedule";
  /** Name of the schema. */
  readonly schema: "Topic" | "Subscription" | "Schedule";
  readonly unknown: ProblemCode;
}

/** `/topic`, `/subscription` and `/schedule`, and the paths below them. */
export function declarationPaths(limits: Limits): Record<string, Schema> {
  const topic: Noun = { noun: "topic", schema: "Topic", unknown: "unknown_topic" };
  const subscription: Noun = {
    ...{ noun: "subscription", schema: "Subscription" },
    unknown: "unknown_subscription",
  };
  const schedule: Noun = { noun: "schedule", schema: "Schedule", unknown: "unknown_schedule" };
  return {
    ...pathsOf(limits, topic, { post: publishOperation }),
    ...pathsOf(limits, subscription),
    ...eventsPath(topic),
    ...replayPath(subscription),
    ...pausePaths(subscription),
    ...pathsOf(limits, schedule),
    ...firingsPath(limits, schedule),
    ...runPath(schedule),
    ...pausePaths(schedule),
  };
}

/** @param more operations of one declaration */
function pathsOf(
  { pageSize }: Limits,
  { noun, schema, unknown }: Noun,
  more: Schema = {},
): Record<string, Schema> {
  const answer = { ...json(`The ${noun}`, ref(schema)), headers: { ...CALL_ID, ...ETAG } };
  const location = { location: { schema: TEXT, description: `Path of the ${noun}` } };
  const spec = { schema: ref(`${schema}Spec`) };
  return {
    [`/${noun}`]: {
      get: operation(`list${schema}s`, `A page of ${noun}s in order of name`, {
        parameters: [
          query("limit", { type: "integer", minimum: 1, maximum: pageSize, default: pageSize }),
          query("cursor", TEXT),
        ],
        answers: { 200: json("The page", ref(`${schema}Page`)) },
      }),
    },
    [`/${noun}/{name}`]: {
      parameters: [NAME],
      get: operation(`describe${schema}`, `One ${noun}, with its state in the store`, {
        answers: { 200: answer },
        problems: [unknown],
      }),
      put: operation(`put${schema}`, `Create a ${noun}, or replace its whole spec`, {
        parameters: [IF_MATCH, IF_NONE_MATCH],
        requestBody: { required: true, content: { "application/json": spec, "application/yaml": spec } },
        answers: {
          200: { ...answer, description: "Replaced, or unchanged" },
          201: { ...answer, description: "Created", headers: { ...CALL_ID, ...ETAG, ...location } },
        },
        problems: [
          ...(["invalid_name", "invalid_declaration", "precondition_failed", "body_too_large"] as const),
          ...(["unsupported_media_type", "storage_full", "store_unavailable"] as const),
        ],
      }),
      delete: operation(`remove${schema}`, `Remove the ${noun}`, {
        parameters: [IF_MATCH],
        answers: { 200: json("Removed", ref("Removed")) },
        problems: [unknown, "precondition_failed", "storage_full", "store_unavailable"],
      }),
      ...more,
    },
  };
}

function pausePaths({ noun, schema, unknown }: Noun): Record<string, Schema> {
  const answer = { ...json(`The ${noun}`, ref(schema)), headers: { ...CALL_ID, ...ETAG } };
  const post = (verb: "pause" | "resume", summary: string) => ({
    parameters: [NAME],
    post: operation(`${verb}${schema}`, summary, {
      answers: { 200: answer },
      problems: [unknown, "invalid_declaration", "precondition_failed", "storage_full"],
    }),
  });
  const what = noun === "subscription" ? "deliveries" : "firings";
  return {
    [`/${noun}/{name}/pause`]: post("pause", `Start no further ${what}`),
    [`/${noun}/{name}/resume`]: post("resume", `Let ${what} go on`),
  };
}

const START =
  "earliest, latest, a time, a duration before now, or the position of the first event that is wanted";

function eventsPath({ unknown }: Noun): Record<string, Schema> {
  const flag = { type: "boolean", default: false };
  return {
    "/topic/{name}/events": {
      parameters: [NAME],
      get: operation("readEvents", "Kept events of the topic, oldest first", {
        parameters: [
          query("from", TEXT, { description: `${START}; earliest by default, latest with follow` }),
          query("limit", { type: "integer", minimum: 1, maximum: 10_000 }, { description: "100 by default" }),
          query("follow", flag, { description: "Go on with new events; default for text/event-stream" }),
          { name: "Last-Event-ID", in: "header", schema: TEXT, description: "Position after which to go on" },
        ],
        answers: {
          200: {
            description:
              "Events with position, time and CloudEvents JSON; the id of a server-sent event is its position",
            headers: CALL_ID,
            content: { "application/x-ndjson": { schema: TEXT }, "text/event-stream": { schema: TEXT } },
          },
        },
        problems: [unknown, "store_unavailable"],
      }),
    },
  };
}

function replayPath({ unknown }: Noun): Record<string, Schema> {
  return {
    "/subscription/{name}/replay": {
      parameters: [NAME],
      post: operation("replaySubscription", "Let the group go on at an earlier or later event", {
        parameters: [query("from", TEXT, { required: true, description: START })],
        answers: { 200: json("Where it goes on", ref("Replay")) },
        problems: [unknown, "invalid_declaration", "store_unavailable"],
      }),
    },
  };
}

function firingsPath({ pageSize }: Limits, { unknown }: Noun): Record<string, Schema> {
  return {
    "/schedule/{name}/firings": {
      parameters: [NAME],
      get: operation("listFirings", "What became of the last times of a schedule, newest first", {
        parameters: [
          query("limit", { type: "integer", minimum: 1, maximum: pageSize, default: pageSize }),
          query("cursor", TEXT),
        ],
        answers: { 200: json("The page", ref("FiringPage")) },
        problems: [unknown, "store_unavailable"],
      }),
    },
  };
}

function runPath({ unknown }: Noun): Record<string, Schema> {
  const location = { location: { schema: TEXT, description: "Path of the call, if it is one" } };
  return {
    "/schedule/{name}/run": {
      parameters: [NAME],
      post: operation("runSchedule", "Make the call or publish the event of the schedule now", {
        answers: {
          202: { ...json("It is stored", ref("ScheduleRun")), headers: { ...CALL_ID, ...location } },
        },
        problems: [
          ...([unknown, "unknown_function", "invalid_declaration", "too_many_waiting"] as const),
          "store_unavailable",
        ],
      }),
    },
  };
}
