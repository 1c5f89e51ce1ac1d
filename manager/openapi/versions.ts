import type { Limits } from "../../platform/limits.ts";
import type { ProblemCode } from "../../platform/problems.ts";
import { MOST_WEIGHT } from "../../platform/traffic.ts";
import { MESSAGE_LENGTH } from "../api/versions/read-options.ts";
import { GUARD_CALLS } from "../deploys/route-rules.ts";
import { CALL_ID, json, NAME, operation, query, VERSION } from "./operation.ts";
import { array, COMMIT_ID, INSTANT, object, ref, type Schema, TEXT } from "./schema.ts";

const KNOWN: readonly ProblemCode[] = ["invalid_name", "unknown_function", "unknown_version"];
const NUMBER: Schema = { type: "integer", minimum: 1 };
const TO: Schema = {
  oneOf: [NUMBER, { type: "string", pattern: "^[0-9a-fA-F]{7,40}$", description: "Digits of a commit" }],
};
const WARNINGS = array(TEXT, { description: "What the version lacks, such as secrets that are gone" });
const WEIGHTS: Schema = {
  type: "object",
  propertyNames: { pattern: "^[1-9][0-9]*$" },
  additionalProperties: { type: "integer", minimum: 0, maximum: MOST_WEIGHT },
  description: "Weights by version; the share of a version is its weight divided by the sum",
  examples: [{ 3: 90, 4: 10 }],
};
const ROUTING: readonly ProblemCode[] = [
  "invalid_setting",
  "unknown_secret",
  "host_taken",
  "precondition_failed",
  "no_sandbox",
  "start_failed",
  "no_capacity",
  "secrets_unavailable",
  "too_many_waiting",
  "unknown_secret",
  "secrets_unavailable",
  "storage_full",
];
const OF_COMMITS: readonly ProblemCode[] = [
  ...(["unknown_commit", "unknown_repository", "repository_conflict", "git_missing", "git_failed"] as const),
  ...(["push_refused", "build_failed", "invalid_declaration", "store_unavailable"] as const),
];
const MESSAGE: Schema = { type: "string", maxLength: MESSAGE_LENGTH };

export const IMAGE_NAME: Schema = { type: "string", maxLength: 512 };

/** What a write requires of the function (RFC 9110, section 13). */
export const MATCHING: readonly Schema[] = [
  {
    ...{ name: "If-Match", in: "header", schema: TEXT },
    description: 'Change the function only if this is its current version, such as "3"; * for any version',
  },
  {
    ...{ name: "If-None-Match", in: "header", schema: { const: "*" } },
    description: "Change the function only if it does not exist",
  },
];

/** The parameters of a deploy that are no settings. */
export function optionParameters(): readonly Schema[] {
  return [
    query("message", MESSAGE, { description: "Why this version is deployed" }),
    query("commit", COMMIT_ID, { description: "Id of the git commit" }),
    query("traffic", percent(), {
      description: "Percentage of the calls for the new version; 0 stores it without calls",
    }),
  ];
}

/** The same as fields of a form. */
export function optionFields(): Record<string, Schema> {
  return { message: MESSAGE, commit: COMMIT_ID, traffic: percent(), image: IMAGE_NAME };
}

function percent(): Schema {
  return { type: "integer", minimum: 0, maximum: 100, default: 100 };
}

/** `/func/{name}/versions` and the paths below it. */
export function versionPaths({ pageSize }: Limits): Record<string, Schema> {
  const limit = { type: "integer", minimum: 1, maximum: pageSize, default: pageSize };
  const change = object({ pinned: { type: "boolean" } });
  return {
    "/func/{name}/rollback": {
      parameters: [NAME],
      post: operation(
        "rollBack",
        "Send all calls to an earlier version; a commit whose version is gone is deployed again",
        {
          parameters: [
            query("to", TO, { description: "By default the version that had all calls before" }),
            ...MATCHING,
          ],
          answers: { 200: json("Every router obeys it", ref("RolledBack")) },
          problems: [...KNOWN, ...ROUTING, ...OF_COMMITS],
        },
      ),
    },
    "/func/{name}/traffic": {
      parameters: [NAME],
      get: operation("describeTraffic", "Versions that take calls, by weight", {
        answers: { 200: json("The traffic", ref("Traffic")) },
        problems: ["invalid_name", "unknown_function"],
      }),
      put: operation("changeTraffic", "Share the calls among versions", {
        parameters: MATCHING,
        requestBody: {
          required: true,
          content: { "application/json": { schema: object({ weights: WEIGHTS }, routeRules()) } },
        },
        answers: { 200: json("Every router obeys it", ref("Traffic")) },
        problems: [...KNOWN, ...ROUTING, "unsupported_media_type", "body_too_large"],
      }),
    },
    "/func/{name}/versions": {
      parameters: [NAME],
      get: operation("listVersions", "A page of the kept versions, newest first", {
        parameters: [query("limit", limit), query("cursor", TEXT)],
        answers: { 200: json("The page", ref("VersionPage")) },
        problems: ["invalid_name", "unknown_function"],
      }),
    },
    "/func/{name}/versions/{version}": {
      parameters: [NAME, VERSION],
      get: operation("describeVersion", "One version", {
        answers: { 200: json("The version", ref("Version")) },
        problems: KNOWN,
      }),
      patch: operation("pinVersion", "Keep the version although newer ones are over the limit", {
        parameters: MATCHING,
        requestBody: {
          required: true,
          content: {
            "application/json": { schema: change },
            "application/merge-patch+json": { schema: change },
          },
        },
        answers: { 200: json("The version", ref("Version")) },
        problems: [
          ...KNOWN,
          ...(["precondition_failed", "unsupported_media_type", "body_too_large"] as const),
          ...(["too_many_waiting", "storage_full"] as const),
        ],
      }),
    },
    ...diffPath(),
  };
}

function diffPath(): Record<string, Schema> {
  const from = query("from", NUMBER, { description: "By default the kept version before this one" });
  const answer = {
    description: "A unified diff: settings as JSON, and the files of the sources; empty for equal versions",
    headers: CALL_ID,
    content: { "text/x-diff": { schema: TEXT } },
  };
  return {
    "/func/{name}/versions/{version}/diff": {
      parameters: [NAME, VERSION],
      get: operation("diffVersions", "How a version differs from another one", {
        parameters: [from],
        answers: { 200: answer },
        problems: [...KNOWN, "invalid_source", "source_too_large", "no_capacity"],
      }),
    },
  };
}

/** Schemas of versions. */
export function versionSchemas({ pageSize }: Limits): Record<string, Schema> {
  const hash = { type: "string", pattern: "^[0-9a-f]{64}$" };
  return {
    Version: object(
      {
        ...{
          version: NUMBER,
          url: { type: "string", format: "uri", description: "Address of this version" },
        },
        createdAt: INSTANT,
        by: { ...TEXT, description: "Who deployed it; unknown for versions of an older Skiff" },
        hash: { ...hash, description: "SHA-256 of source and settings" },
        sourceHash: { ...hash, description: "SHA-256 of the source" },
        pinned: { type: "boolean", description: "It is kept although newer ones are over the limit" },
        share: { type: "number", minimum: 0, maximum: 1, description: "Its share of all calls" },
      },
      {
        ...{ message: MESSAGE, commit: COMMIT_ID, sourceBytes: { type: "integer", minimum: 0 } },
        author: {
          ...TEXT,
          description: "Author of the commit in the git repository; `Name <address>` if it was pushed",
        },
        settings: { ...ref("Settings"), description: "Absent for callers without the scope read" },
      },
    ),
    Traffic: object(
      { weights: WEIGHTS },
      {
        ...routeRules(),
        previous: { ...NUMBER, description: "The version that a rollback goes back to" },
        warnings: WARNINGS,
      },
    ),
    RolledBack: object(
      {
        ...{ name: ref("Name"), version: NUMBER, from: NUMBER },
        url: { type: "string", format: "uri" },
        warnings: WARNINGS,
      },
      { commit: { ...COMMIT_ID, description: "The tip of the branch of its git repository, if it has one" } },
    ),
    VersionPage: object({
      versions: array(ref("Version"), { maxItems: pageSize }),
      next: { type: ["string", "null"], description: "Cursor of the next page; null on the last one" },
    }),
  };
}

/** What holds besides the weights of the traffic. */
export function routeRules(): Record<string, Schema> {
  return {
    sticky: {
      oneOf: [object({ cookie: TEXT }), object({ header: TEXT })],
      description: "Where the value is by which a caller stays with its version",
    },
    guard: {
      ...object(
        {},
        {
          errorRate: { type: "number", minimum: 0, maximum: 1 },
          slowdown: { type: "number", minimum: 1, maximum: 1_000 },
          calls: { ...NUMBER, maximum: GUARD_CALLS, default: 100 },
        },
      ),
      description: "When a fresh version loses its traffic by itself",
    },
  };
}
