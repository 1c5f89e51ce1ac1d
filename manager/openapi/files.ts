import { CALL_ID, json, operation } from "./operation.ts";
import { array, COMMIT_ID, object, ref, type Schema, TEXT } from "./schema.ts";

const BYTES: Schema = { type: "string", format: "binary" };
const OFF: Schema = { type: "boolean", default: false };

function query(name: string, schema: Schema, description: string): Schema {
  return { name, in: "query", schema, description };
}

const SCHEMA = {
  200: {
    description: "JSON Schema 2020-12",
    headers: CALL_ID,
    content: { "application/schema+json": { schema: { type: "object" } } },
  },
};

/** Folders of functions as files. */
export function filePaths(): Record<string, Schema> {
  return {
    "/export": {
      get: operation(
        "exportFunctions",
        "Functions, topics, flows, subscriptions and schedules as a folder that an apply takes",
        {
          parameters: [
            query("values", OFF, "Also the values of env, which only administrators get; otherwise `***`"),
          ],
          answers: {
            200: {
              description: "A tar.gz with a skiff.yaml and the sources",
              headers: CALL_ID,
              content: { "application/gzip": { schema: BYTES } },
            },
          },
          problems: ["no_capacity"],
        },
      ),
    },
    "/apply": {
      post: operation("applyFolder", "Make everything as a folder declares it: twice is nothing", {
        parameters: [
          query("dryRun", OFF, "Only say what an apply would do"),
          query("prune", OFF, "Remove what the folder does not declare"),
          query("message", { type: "string", maxLength: 1_000 }, "What the deploys are about"),
          query("commit", COMMIT_ID, "The git commit of the folder"),
          query("name", ref("Name"), "Name of the function, if the skiff.yaml declares one without its name"),
        ],
        requestBody: {
          required: true,
          description:
            "An archive (tar, tar.gz, zip) of a folder with a skiff.yaml; its Content-Type is ignored. At most three times the size of a source",
          content: { "*/*": { schema: BYTES } },
        },
        answers: { 200: applied() },
        problems: [
          ...([
            "invalid_declaration",
            "invalid_source",
            "source_too_large",
            "unsupported_media_type",
          ] as const),
          ...(["apply_failed", "build_failed", "no_capacity", "too_many_waiting", "storage_full"] as const),
        ],
      }),
    },
    "/schema/skiff.json": {
      get: operation("manifestSchema", "The JSON Schema of skiff.yaml, for editors", { answers: SCHEMA }),
    },
    "/schema/flow.json": {
      get: operation("flowSchema", "The JSON Schema of the text of a flow, for editors", { answers: SCHEMA }),
    },
  };
}

function applied(): Schema {
  const { content, ...rest } = json("What was done, or with dryRun what would be", ref("Applied"));
  return { ...rest, content: { ...(content as object), "text/plain": { schema: TEXT } } };
}

/** Schemas of the answers. */
export function fileSchemas(): Record<string, Schema> {
  const version = { type: "integer", minimum: 1 };
  const action = { enum: ["create", "update", "unchanged", "remove"] };
  const state = {
    enum: ["planned", "done", "failed", "skipped"],
    description: "skipped: not changed, because something else failed",
  };
  return {
    Applied: object({
      dryRun: { type: "boolean" },
      functions: array(ref("AppliedFunction")),
      topics: array(ref("AppliedObject")),
      flows: array(ref("AppliedObject")),
      subscriptions: array(ref("AppliedObject")),
      schedules: array(ref("AppliedObject")),
      warnings: array(TEXT, {
        description:
          "What was ignored, and which functions of flows, subscriptions and schedules are not there",
      }),
    }),
    AppliedObject: object(
      {
        ...{ name: ref("EventName"), action, state },
        diff: { ...TEXT, description: "The spec, or the text of a flow, as a unified diff" },
      },
      { problem: { type: "object", description: "The problem document of what failed" } },
    ),
    AppliedFunction: object(
      {
        ...{ name: ref("Name"), action, state },
        diff: { ...TEXT, description: "Settings and source as a unified diff; values of env are hidden" },
      },
      {
        version: { ...version, description: "The current version" },
        url: { type: "string", format: "uri" },
        problem: { type: "object", description: "The problem document of a failed function" },
      },
    ),
  };
}
