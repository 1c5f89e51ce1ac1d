import type { Limits } from "../../platform/limits.ts";
import type { ProblemCode } from "../../platform/problems.ts";
import { formatBytes } from "../../platform/quantity.ts";
import {
  CALL_ID,
  json,
  OF_ANY_REQUEST,
  operation,
  pathParameter,
  problemResponses,
  queryParameter,
  settingParameters,
  text,
} from "./openapi-parts.ts";
import { ref, type Schema } from "./openapi-schemas.ts";

const KNOWN: readonly ProblemCode[] = ["invalid_name", "unknown_function"];
const CHANGING: readonly ProblemCode[] = [
  "invalid_name",
  "invalid_setting",
  "request_timeout",
  "unsupported_media_type",
  "start_failed",
  "too_many_waiting",
  "storage_full",
];
const BYTES: Schema = { type: "string", format: "binary" };
const NAME = pathParameter("name", ref("Name"));

/** `/func` and what is below it. */
export function functionPaths(limits: Limits): Record<string, Schema> {
  return {
    "/func": { get: list(limits), post: deploy(limits) },
    "/func/{name}": {
      parameters: [NAME],
      get: describe(),
      put: put(limits),
      patch: configure(),
      delete: remove(),
    },
    "/func/{name}/source": { parameters: [NAME], get: source() },
    "/func/{name}/logs": { parameters: [NAME], get: logs() },
  };
}

function list({ pageSize }: Limits): Schema {
  const limit = { type: "integer", minimum: 1, maximum: pageSize, default: pageSize };
  return operation({
    operationId: "listFunctions",
    summary: "A page of functions in order of name",
    parameters: [queryParameter("limit", limit), queryParameter("cursor", { type: "string" })],
    answers: { 200: json("The page", "FunctionPage") },
  });
}

function deployParts(limits: Limits) {
  const description = `The source itself, whatever its Content-Type says: one file of code, or an archive (tar, tar.gz, zip) with main.ts, .tsx, .js or .mjs at its root. At most ${formatBytes(limits.sourceBytes)}.`;
  const headers = { location: { schema: { type: "string" }, description: "Path of the function" } };
  const made = json("Created", "Deployed") as { headers: Schema };
  return {
    summary: "Deploy: create the function, or make a new version of it",
    requestBody: { required: true, description, content: { "*/*": { schema: BYTES } } },
    answers: {
      200: json("Updated, or unchanged", "Deployed"),
      201: { ...made, headers: { ...made.headers, ...headers } },
    },
    problems: [...CHANGING, "invalid_source", "source_too_large", "build_failed", "no_capacity"] as const,
  };
}

function deploy(limits: Limits): Schema {
  const name = queryParameter("name", ref("Name"), { required: true });
  const parameters = [name, ...settingParameters(limits)];
  return operation({ operationId: "deployFunction", parameters, ...deployParts(limits) });
}

function put(limits: Limits): Schema {
  const parameters = settingParameters(limits);
  return operation({ operationId: "putFunction", parameters, ...deployParts(limits) });
}

function configure(): Schema {
  const schema = ref("SettingsPatch");
  const content = { "application/json": { schema }, "application/merge-patch+json": { schema } };
  return operation({
    operationId: "configureFunction",
    summary: "Change settings (JSON merge patch, RFC 7396): a new version of the same bundle",
    requestBody: { required: true, content },
    answers: { 200: json("Updated, or unchanged", "Deployed") },
    problems: [...CHANGING, "unknown_function", "body_too_large"],
  });
}

function describe(): Schema {
  return operation({
    operationId: "describeFunction",
    summary: "Versions, settings, instances, last errors, why it is not ready",
    answers: { 200: json("The function", "FunctionDescription") },
    problems: KNOWN,
  });
}

function remove(): Schema {
  return operation({
    operationId: "removeFunction",
    summary: "Remove the function and everything it owns",
    answers: { 200: json("Nothing of it is left", "Removed") },
    problems: [...KNOWN, "too_many_waiting", "storage_full"],
  });
}

function source(): Schema {
  const types = ["text/typescript", "application/x-tar", "application/gzip", "application/zip"];
  const content = Object.fromEntries(types.map((type) => [type, { schema: BYTES }]));
  return operation({
    operationId: "readSource",
    summary: "What was posted",
    parameters: [
      queryParameter(
        "version",
        { type: "integer", minimum: 1 },
        { description: "The current one unless given" },
      ),
    ],
    answers: {
      200: { description: "The bytes, with a file name in Content-Disposition", headers: CALL_ID, content },
    },
    problems: [...KNOWN, "unknown_version"],
  });
}

function logs(): Schema {
  return operation({
    operationId: "readLogs",
    summary: "What the function printed: lines of time, instance, stream and text",
    parameters: [
      queryParameter("tail", { type: "integer", minimum: 0, maximum: 10_000, default: 100 }),
      queryParameter("follow", { type: "boolean", default: false }, { description: "Go on until you leave" }),
      queryParameter(
        "raw",
        { type: "boolean", default: false },
        { description: "Keep escape sequences and control characters, which are shown as text otherwise" },
      ),
    ],
    answers: { 200: text("The lines") },
    problems: KNOWN,
  });
}

/** The paths that tell about Skiff itself. */
export function servicePaths(): Record<string, Schema> {
  const one = (operationId: string, summary: string, answer: Schema) => ({
    get: operation({ operationId, summary, answers: { 200: answer } }),
  });
  const live = { operationId: "health", summary: "The process lives", isProbe: true };
  const ready = { operationId: "readiness", summary: "Calls can be sent here", isProbe: true };
  const document = { "application/json": { schema: { type: "object" } } };
  return {
    "/": one("welcome", "What this is, for people", text("A page of text")),
    "/healthz": { get: operation({ ...live, answers: { 200: text("ok") } }) },
    "/readyz": {
      get: operation({ ...ready, answers: { 200: text("ready") }, problems: ["not_ready", "draining"] }),
    },
    "/metrics": one("metrics", "Prometheus metrics", text("Text format 0.0.4")),
    "/openapi.json": one("openapi", "This document", {
      description: "OpenAPI 3.1",
      headers: CALL_ID,
      content: document,
    }),
  };
}

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch"];

/** What the router answers: the function itself, or a problem with `x-skiff-error: platform`. */
export function callPaths(): Record<string, Schema> {
  const problems = problemResponses([
    ...OF_ANY_REQUEST,
    "unknown_function",
    "body_too_large",
    "too_many_waiting",
    "function_error",
    "instance_failed",
    "no_capacity",
    "draining",
    "call_timeout",
  ]);
  const answer = { description: "The function's answer, whatever it is", headers: CALL_ID };
  const responses = { default: answer, ...problems };
  const item = (suffix: string) =>
    Object.fromEntries(
      METHODS.map((method) => [
        method,
        { operationId: `${method}${suffix}`, summary: "Call the function", security: [], responses },
      ]),
    );
  const rest = {
    ...pathParameter("path", { type: "string" }),
    description: "The path that the function sees; it may have slashes",
  };
  return {
    "/fn/{name}": { parameters: [NAME], ...item("Call") },
    "/fn/{name}/{path}": { parameters: [NAME, rest], ...item("CallPath") },
  };
}
