/** Problems of calls. Each text says what happened and what to do. */
import type { Limits } from "../../platform/limits.ts";
import { Problem } from "../../platform/problems.ts";
import { formatBytes, formatMs } from "../../platform/quantity.ts";
import { HeadTooLarge } from "../upstream/response-fields.ts";

/** Requests of events, which are answered over HTTP alone. */
const EVENTS = /^(?:https?:\/\/[^/?#]*)?(\/(?:async|topic|gateway))(?=[/?]|$)/i;

/** @param isWebSocket an upgrade, which has no other receiver than functions */
export function noFunction(url: string, isWebSocket: boolean): Problem {
  const [, root] = (isWebSocket && EVENTS.exec(url)) || [];
  const what = root === undefined ? "The path has no function" : `${root} takes no WebSockets`;
  return new Problem("unknown_function", `${what}: ${root === undefined ? "call" : "connect to"} /fn/NAME.`);
}

export function callTimeout(timeoutMs: number): Problem {
  const limit = `${formatMs(timeoutMs)} (timeoutMs of the function)`;
  const detail = `The function did not start its response within ${limit}: raise it, or respond sooner.`;
  return new Problem("call_timeout", detail, { setting: "timeoutMs" });
}

export function noInstance({ instanceWaitMs }: Limits): Problem {
  const limit = `${formatMs(instanceWaitMs)} (SKIFF_INSTANCE_WAIT)`;
  const detail = `No instance was free within ${limit}: try again, or raise max or concurrency.`;
  return new Problem("no_capacity", detail, { retryAfterS: 1 });
}

export function tooManyWaiting(name: string, most: number): Problem {
  const limit = `${most} calls wait for an instance of "${name}" (SKIFF_MAX_WAITING)`;
  const detail = `${limit}: try again later, or raise its max or concurrency.`;
  return new Problem("too_many_waiting", detail, { retryAfterS: 1 });
}

/** @param expectedMs estimated wait of the call in the queue, in milliseconds */
export function waitTooLong(name: string, waiting: number, expectedMs: number): Problem {
  const time = formatMs(Math.ceil(expectedMs / 1_000) * 1_000);
  const queue = `${waiting} calls wait for an instance of "${name}", another would wait for about ${time}`;
  const detail = `${queue}: try again later, or raise its max or concurrency.`;
  return new Problem("too_many_waiting", detail, { retryAfterS: Math.min(60, expectedMs / 1_000) });
}

export function notHttp(reason: string): Problem {
  return new Problem("invalid_request", `The request is not valid HTTP/1.1: ${reason}.`);
}

export function streamIdle({ streamIdleMs }: Limits): Problem {
  const limit = `${formatMs(streamIdleMs)} (SKIFF_STREAM_IDLE)`;
  return new Problem("call_timeout", `The stream was idle for ${limit}: send something more often.`);
}

/** @param hasBegun the response had begun, so the client gets a broken connection instead of this text */
export function instanceFailed(error: Error, { headerBytes }: Limits, hasBegun: boolean): Problem {
  if (error instanceof HeadTooLarge) {
    const limit = `${formatBytes(headerBytes)} (SKIFF_MAX_HEADERS)`;
    const detail = `The header block of the response is larger than ${limit}: set fewer or shorter fields.`;
    return new Problem("instance_failed", detail);
  }
  const when = hasBegun ? "during its response" : "before its response";
  const what = `The instance broke the connection ${when} (${error.message})`;
  return new Problem("instance_failed", `${what}: its log shows whether it crashed or ran out of memory.`);
}
