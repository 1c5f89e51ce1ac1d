import type { Limits } from "../../../platform/limits.ts";
import type { ProblemCode } from "../../../platform/problems.ts";
import { CALL_ID, json, operation, query, VERSION } from "../operation.ts";
import { ref, type Schema, TEXT } from "../schema.ts";

export const FLOW: Schema = { name: "name", in: "path", required: true, schema: ref("EventName") };
const IF_MATCH: Schema = {
  ...{ name: "If-Match", in: "header", schema: TEXT },
  description: "It must have one of these ETags; * for any",
};
const IF_NONE_MATCH: Schema = {
  ...{ name: "If-None-Match", in: "header", schema: { const: "*" } },
  description: "It must not exist",
};
const ETAG = { etag: { schema: TEXT, description: "The revision in quotes, for If-Match" } };
const WRITES: readonly ProblemCode[] = [
  "invalid_flow",
  "invalid_declaration",
  "precondition_failed",
  "storage_full",
  "store_unavailable",
];
const SOURCE: Schema = {
  description: "The text as it was posted",
  headers: { ...CALL_ID },
  content: { "application/yaml": { schema: TEXT }, "application/json": { schema: TEXT } },
};

/** `/flow` and what is below it, without runs. */
export function flowPaths({ pageSize }: Limits): Record<string, Schema> {
  const limit = query("limit", { type: "integer", minimum: 1, maximum: pageSize, default: pageSize });
  const text = { schema: { ...TEXT, description: "See docs/flows.md and /schema/flow.json" } };
  const put = { ...json("Replaced, unchanged, or with dryRun valid", ref("PutFlow")) };
  const location = { location: { schema: TEXT, description: "Path of the flow" } };
  return {
    "/flow": {
      get: operation("listFlows", "A page of flows in order of name, with the number of runs by state", {
        parameters: [limit, query("cursor", TEXT)],
        answers: { 200: json("The page", ref("FlowPage")) },
      }),
    },
    "/flow/{name}": {
      parameters: [FLOW],
      get: operation("describeFlow", "One flow: its definition, and its runs by state", {
        answers: { 200: { ...json("The flow", ref("Flow")), headers: { ...CALL_ID, ...ETAG } } },
        problems: ["unknown_flow"],
      }),
      put: operation(
        "putFlow",
        "Create a flow, or replace its text. Runs go on by the text that they began with",
        {
          parameters: [
            query(
              "message",
              { type: "string", maxLength: 1_000 },
              { description: "What the change is about" },
            ),
            query("dryRun", { type: "boolean", default: false }, { description: "Only check the text" }),
            ...[IF_MATCH, IF_NONE_MATCH],
          ],
          requestBody: { required: true, content: { "application/yaml": text, "application/json": text } },
          answers: {
            200: { ...put, headers: { ...CALL_ID, ...ETAG } },
            201: { ...put, description: "Created", headers: { ...CALL_ID, ...ETAG, ...location } },
          },
          problems: [...WRITES, "invalid_name", "body_too_large", "unsupported_media_type"],
        },
      ),
      delete: operation("removeFlow", "Remove the flow and its versions. Live runs go on", {
        parameters: [
          query("runs", { const: "cancel" }, { description: "Cancel live runs of the flow" }),
          IF_MATCH,
        ],
        answers: { 200: json("Removed", ref("RemovedFlow")) },
        problems: ["unknown_flow", "precondition_failed", "storage_full", "store_unavailable"],
      }),
    },
    "/flow/{name}/source": {
      parameters: [FLOW],
      get: operation("readFlowSource", "The text of the flow", {
        answers: { 200: { ...SOURCE, headers: { ...CALL_ID, ...ETAG } } },
        problems: ["unknown_flow"],
      }),
    },
    "/flow/{name}/graph": {
      parameters: [FLOW],
      get: operation("drawFlow", "The graph of the flow, or of a run with the states of its steps", {
        parameters: [
          query("format", { enum: ["json", "mermaid", "svg"], default: "json" }),
          query("run", ref("RunId"), {
            description: "A run of the flow, also if it has another text by now",
          }),
        ],
        answers: {
          200: {
            description: "The graph",
            headers: CALL_ID,
            content: {
              "application/json": { schema: ref("FlowGraph") },
              "text/plain": { schema: TEXT },
              "image/svg+xml": { schema: TEXT },
            },
          },
        },
        problems: ["unknown_flow", "invalid_flow", "unknown_run", "store_unavailable"],
      }),
    },
    ...versionPaths(),
  };
}

function versionPaths(): Record<string, Schema> {
  const number = { type: "integer", minimum: 1 };
  const ofVersions = ["unknown_flow", "unknown_version", "store_unavailable"] as const;
  return {
    "/flow/{name}/versions": {
      parameters: [FLOW],
      get: operation("listFlowVersions", "Versions that are kept, newest first", {
        answers: { 200: json("At most 50", ref("FlowVersionList")) },
        problems: ["unknown_flow", "store_unavailable"],
      }),
    },
    "/flow/{name}/versions/{version}": {
      parameters: [FLOW, VERSION],
      get: operation("describeFlowVersion", "One version, with its text", {
        answers: { 200: json("The version", ref("FlowVersion")) },
        problems: ofVersions,
      }),
    },
    "/flow/{name}/diff": {
      parameters: [FLOW],
      get: operation("diffFlowVersions", "How the text of two versions differs", {
        parameters: [
          query("from", number, { description: "By default the version before `to`" }),
          query("to", number, { description: "By default the present version" }),
        ],
        answers: {
          200: {
            description: "A unified diff; empty for equal texts",
            headers: CALL_ID,
            content: { "text/x-diff": { schema: TEXT } },
          },
        },
        problems: ofVersions,
      }),
    },
    "/flow/{name}/rollback": {
      parameters: [FLOW],
      post: operation("rollBackFlow", "Make the text of an older version the present one, as a new version", {
        parameters: [
          query("to", number, { description: "By default the version before the present one" }),
          IF_MATCH,
        ],
        answers: { 200: { ...json("Done", ref("RolledBackFlow")), headers: { ...CALL_ID, ...ETAG } } },
        problems: [...WRITES, ...ofVersions],
      }),
    },
  };
}
