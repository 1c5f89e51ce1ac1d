import type { Limits } from "../../platform/limits.ts";
import type { ProblemCode } from "../../platform/problems.ts";
import { formatBytes } from "../../platform/quantity.ts";
import { SOURCE_ENDINGS } from "../deploys/source-endings.ts";
import {
  CALL_ID,
  json,
  NAME,
  OF_ANY_REQUEST,
  operation,
  problemResponses,
  query,
  text,
  VERSION,
} from "./operation.ts";
import { ref, type Schema, TEXT } from "./schema.ts";
import { formSchema, settingParameters } from "./settings.ts";
import { IMAGE_NAME, MATCHING, optionParameters } from "./versions.ts";

const KNOWN: readonly ProblemCode[] = ["invalid_name", "unknown_function"];
const CHANGING: readonly ProblemCode[] = [
  "invalid_name",
  "invalid_setting",
  "host_taken",
  "precondition_failed",
  "request_timeout",
  "unsupported_media_type",
  "start_failed",
  "runtime_missing",
  "no_sandbox",
  "image_unavailable",
  "image_not_allowed",
  "no_engine",
  "too_many_waiting",
  "unknown_secret",
  "secrets_unavailable",
  "storage_full",
];
const DEPLOYING: readonly ProblemCode[] = [
  "invalid_source",
  "source_too_large",
  "build_failed",
  "no_capacity",
];
const BYTES: Schema = { type: "string", format: "binary" };
const IN_FORM = "Required, unless a form has the field name";
/** `/func` and the paths below it. */
export function functionPaths(limits: Limits): Record<string, Schema> {
  const { pageSize } = limits;
  const image = query("image", IMAGE_NAME, { description: "An image instead of a body, such as nginx:1.27" });
  const settings = [...settingParameters(limits), ...optionParameters(), image, ...MATCHING];
  const summary = "Deploy: create the function or a new version of it";
  const deployed = json("Updated, or unchanged", ref("Deployed"));
  const location = { location: { schema: TEXT, description: "Path of the function" } };
  const deploy = {
    requestBody: {
      required: false,
      description: `Required, unless the query names an image. The source; its Content-Type is ignored unless it is that of a form, or of files in JSON. One file of code, a program, or an archive (tar, tar.gz, zip) of a project. At most ${formatBytes(limits.sourceBytes)}.`,
      content: {
        "*/*": { schema: BYTES },
        "application/json": { schema: ref("PostedFiles") },
        "multipart/form-data": { schema: formSchema(limits) },
      },
    },
    answers: {
      200: deployed,
      201: { ...deployed, description: "Created", headers: { ...CALL_ID, ...location } },
    },
    problems: [...CHANGING, ...DEPLOYING],
  };
  const patch = { schema: ref("SettingsPatch") };
  return {
    "/func": {
      get: operation("listFunctions", "A page of functions in order of name", {
        parameters: [
          query("limit", { type: "integer", minimum: 1, maximum: pageSize, default: pageSize }),
          query("cursor", TEXT),
          query("detail", { enum: ["activity"] }, { description: "Also state, instances and the last hour" }),
        ],
        answers: { 200: json("The page", ref("FunctionPage")) },
      }),
      post: operation("deployFunction", summary, {
        parameters: [query("name", ref("Name"), { description: IN_FORM }), ...settings],
        ...deploy,
      }),
    },
    "/func/{name}": {
      parameters: [NAME],
      get: operation("describeFunction", "Versions, settings, instances and last errors", {
        answers: { 200: described() },
        problems: KNOWN,
      }),
      put: operation("putFunction", summary, { parameters: settings, ...deploy }),
      patch: operation("configureFunction", "Change settings: a new version of the same bundle", {
        parameters: [...optionParameters(), ...MATCHING],
        requestBody: {
          required: true,
          description: "A JSON merge patch (RFC 7396)",
          content: { "application/json": patch, "application/merge-patch+json": patch },
        },
        answers: { 200: deployed },
        problems: [...CHANGING, "unknown_function", "body_too_large"],
      }),
      delete: operation("removeFunction", "Remove the function and all of its versions", {
        parameters: MATCHING,
        answers: { 200: json("Removed completely", ref("Removed")) },
        problems: [...KNOWN, "precondition_failed", "too_many_waiting", "storage_full"],
      }),
    },
    ...contentPaths(),
  };
}

function described(): Schema {
  const etag = { etag: { schema: TEXT, description: "The current version in quotes, for If-Match" } };
  const answer = json("The function", ref("FunctionDescription"));
  return { ...answer, headers: { ...CALL_ID, ...etag } };
}

function contentPaths(): Record<string, Schema> {
  const content = Object.fromEntries(Object.keys(SOURCE_ENDINGS).map((type) => [type, { schema: BYTES }]));
  const version = { type: "integer", minimum: 1 };
  const source = {
    description: "The source, with a file name in Content-Disposition",
    headers: CALL_ID,
    content,
  };
  return {
    "/func/{name}/source": {
      parameters: [NAME],
      get: operation("readSource", "The source of a version", {
        parameters: [query("version", version, { description: "The current version by default" })],
        answers: { 200: source },
        problems: [...KNOWN, "unknown_version"],
      }),
    },
  };
}

/** The paths of Skiff itself. */
export function servicePaths(): Record<string, Schema> {
  return {
    "/": { get: operation("welcome", "An introduction for people", { answers: { 200: text("Text") } }) },
    "/healthz": {
      get: operation("health", "The process runs", { isProbe: true, answers: { 200: text("ok") } }),
    },
    "/readyz": {
      get: operation("readiness", "Skiff accepts calls", {
        isProbe: true,
        answers: { 200: text("ready") },
        problems: ["not_ready", "draining"],
      }),
    },
    "/metrics": {
      get: operation("metrics", "Prometheus metrics", { answers: { 200: text("Text format 0.0.4") } }),
    },
    "/openapi.json": {
      get: operation("openapi", "This document", {
        answers: { 200: json("OpenAPI 3.1", { type: "object" }) },
      }),
    },
  };
}

/** Calls of functions: answers of the function, or of the router with `x-skiff-error: platform`. */
export function callPaths(): Record<string, Schema> {
  const problems = problemResponses([
    ...OF_ANY_REQUEST,
    "unauthorized",
    "insufficient_scope",
    "too_many_attempts",
    "unknown_function",
    "unknown_version",
    "body_too_large",
    "quota_exceeded",
    "too_many_waiting",
    "function_error",
    "program_failed",
    "out_of_memory",
    "instance_failed",
    "no_capacity",
    "draining",
    "call_timeout",
  ]);
  const responses = { default: { description: "The answer of the function", headers: CALL_ID }, ...problems };
  const operations = (suffix: string) =>
    Object.fromEntries(
      ["get", "put", "post", "delete", "options", "head", "patch"].map((method) => [
        method,
        { operationId: `${method}${suffix}`, summary: "Call the function", security: [], responses },
      ]),
    );
  const description = "Path of the call, which may have slashes";
  const rest = { name: "path", in: "path", required: true, schema: TEXT, description };
  return {
    "/fn/{name}": { parameters: [NAME], ...operations("Call") },
    "/fn/{name}/{path}": { parameters: [NAME, rest], ...operations("CallPath") },
    "/fn/{name}@{version}": { parameters: [NAME, VERSION], ...operations("CallVersion") },
    "/fn/{name}@{version}/{path}": { parameters: [NAME, VERSION, rest], ...operations("CallVersionPath") },
  };
}
