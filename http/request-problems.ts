/** Problems of requests to functions, plain and asynchronous ones. */
import type { Limits } from "../platform/limits.ts";
import type { Endpoints } from "../platform/platform.ts";
import { Problem } from "../platform/problems.ts";
import { formatBytes, formatMs } from "../platform/quantity.ts";

/**
 * @param version 0 if the path names no version after its @
 * @param root what the path of the call begins with
 */
export function unknownVersion({ name }: Pick<Endpoints, "name">, version: number, root = "/fn"): Problem {
  const what =
    version === 0
      ? `The path names no version of "${name}" after its @`
      : `The function "${name}" has no version ${version}`;
  const advice = `call ${root}/${name}@N with the number of a kept version; GET /func/${name}/versions lists them.`;
  return new Problem("unknown_version", `${what}: ${advice}`);
}

export function bodyTimeout(timeoutMs: number): Problem {
  const limit = `${formatMs(timeoutMs)} (timeoutMs of the function)`;
  const detail = `No part of the request body arrived for ${limit}: send it without pauses.`;
  return new Problem("request_timeout", detail);
}

export function uploadTimeout({ uploadMs }: Limits): Problem {
  const limit = `${formatMs(uploadMs)} (SKIFF_UPLOAD_TIMEOUT)`;
  const detail = `The request body did not arrive within ${limit}: send less, or use a faster connection.`;
  return new Problem("request_timeout", detail);
}

export function bodyTooLarge({ callBodyBytes }: Limits): Problem {
  const limit = `${formatBytes(callBodyBytes)} (SKIFF_MAX_BODY)`;
  return new Problem("body_too_large", `The body is larger than ${limit}: send less.`);
}

/** What Skiff adds to the header block of a call before it reaches a function, in bytes. */
const ADDED_BYTES = 4_096;

/**
 * Refuses a header block that fits, but no longer with what Skiff adds to it: the call could never arrive.
 * @param fields names and values
 * @throws Problem `headers_too_large`
 */
export function requireHeaderRoom(
  fields: readonly string[],
  { headerBytes }: Pick<Limits, "headerBytes">,
): void {
  const most = headerBytes - Math.min(ADDED_BYTES, headerBytes / 4);
  const bytes = fields.reduce((sum, each) => sum + each.length + 2, 0);
  if (bytes <= most) return;
  const limit = `${formatBytes(most)} (SKIFF_MAX_HEADERS, without what Skiff adds)`;
  throw new Problem("headers_too_large", `The header block is larger than ${limit}: send smaller headers.`);
}

export function traceRefused(): Problem {
  return new Problem("method_not_allowed", "Skiff does not forward TRACE to functions: use another method.");
}

/** @param most asynchronous calls that may wait */
export function queueFull(name: string, most: number): Problem {
  const limit = `${most} asynchronous calls of "${name}" wait (SKIFF_MAX_QUEUED)`;
  const detail = `${limit}: try again later, or raise its max or concurrency.`;
  return new Problem("too_many_waiting", detail, { retryAfterS: 5, setting: "SKIFF_MAX_QUEUED" });
}
