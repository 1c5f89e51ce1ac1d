import type { IncomingMessage } from "node:http";
import { fieldsWithout } from "../../../http/fields.ts";
import { type AnswerHead, forward } from "../../../http/programs/forward.ts";
import { Problem } from "../../../platform/problems.ts";
import type { DashboardOptions } from "../options.ts";
import { sandbox } from "../policy/protection.ts";
import type { Route } from "../route.ts";
import type { CredentialCheck } from "./credential.ts";
import { addedFields, keptFields, upstreamOf } from "./upstreams.ts";

const PREFIX = "/api";
/** A path without a second way to write it. */
const PATH = /^\/(?:([a-z][a-z0-9._-]*)(?:[/?].*)?)?(?:\?.*)?$/;
/** Paths that functions answer. Only `/try` forwards them. */
const CALLS =
  /^\/(?:(?:fn|async|gateway)(?=[/?]|$)|flow\/[^/?]+\/http(?=[/?]|$)|topic\/[^/?]+\/call\/?(?=\?|$))/;
/** Fields of answers that the page gets, besides those of Skiff. Others could act on this origin. */
const KEPT = new Set([
  ...["content-type", "content-length", "content-encoding", "content-disposition", "date", "etag"],
  ...["last-modified", "retry-after", "allow", "vary", "deprecation", "idempotency-replayed"],
]);

/** Forwards `/api/…` to the public API. */
export function relayApi(options: DashboardOptions, credentials: CredentialCheck): Route {
  const { limits } = options;
  return (request, response) => {
    const text = credentials.read(request);
    const path = pathOfApi(request.url!);
    const { manager, events } = options.targets();
    const base = /^\/(topic|flow)[/?]/.test(path) ? events : manager;
    const to = upstreamOf(base, limits.streamIdleMs);
    const added = [...addedFields(request, base, options), "authorization", `Bearer ${text}`];
    const head = { method: request.method!, path, fields: [...keptFields(request), ...added] };
    sandbox(response);
    forward(request, response, { to, head, answer: apiAnswer });
  };
}

/** @throws Problem `forbidden`, `invalid_request` */
function pathOfApi(target: string): string {
  const path = target.slice(PREFIX.length) || "/";
  if (!PATH.test(path)) throw new Problem("invalid_request", "The path of the API is not valid.");
  if (!CALLS.test(path)) return path;
  const detail =
    "Calls of functions do not pass /api: send them as POST /try, so that no answer acts on the dashboard.";
  throw new Problem("forbidden", detail);
}

function apiAnswer({ statusCode, statusMessage, rawHeaders }: IncomingMessage): AnswerHead {
  const isJson = rawHeaders.some(
    (value, at) =>
      at % 2 === 1 &&
      rawHeaders[at - 1]!.toLowerCase() === "content-type" &&
      /^application\/(\S+\+)?json\b/i.test(value),
  );
  const isKept = (name: string) =>
    KEPT.has(name) ||
    name.startsWith("x-skiff-") ||
    name.startsWith("skiff-") ||
    name.startsWith("ratelimit") ||
    // After a status of 300 to 399 the browser would follow it.
    (name === "location" && isJson && statusCode! < 300);
  const fields = fieldsWithout(rawHeaders, (name) => !isKept(name));
  return { status: statusCode!, reason: statusMessage, fields };
}
