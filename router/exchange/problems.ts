import type { Limits } from "../../platform/limits.ts";
import { Problem } from "../../platform/problems.ts";
import { formatBytes, formatMs } from "../../platform/quantity.ts";
import { HeadTooLarge } from "../upstream/response-fields.ts";

/** What can go wrong with a call between client and instance, in words that say what to do. */

export function callTimeout(timeoutMs: number): Problem {
  const limit = `timeoutMs of the function is ${formatMs(timeoutMs)}`;
  return new Problem(
    "call_timeout",
    `The function did not begin its response in time: ${limit}. Raise it, or answer sooner.`,
    {
      setting: "timeoutMs",
    },
  );
}

export function noInstance(limits: Limits): Problem {
  const limit = `${formatMs(limits.instanceWaitMs)} (SKIFF_INSTANCE_WAIT)`;
  return new Problem(
    "no_capacity",
    `No instance was free within ${limit}; try again, or raise max or concurrency of the function.`,
    {
      retryAfterS: 1,
    },
  );
}

export function tooManyWaiting(name: string, most: number): Problem {
  const detail = `${most} calls wait for an instance of "${name}" already (SKIFF_MAX_WAITING); try again later, or raise its max or concurrency.`;
  return new Problem("too_many_waiting", detail, { retryAfterS: 1 });
}

/** @param expectedMs time after which the call would have its turn, as the queue moves now */
export function waitTooLong(name: string, waiting: number, expectedMs: number): Problem {
  const time = formatMs(Math.ceil(expectedMs / 1_000) * 1_000);
  const detail = `${waiting} calls wait for an instance of "${name}" already, and one more would wait for about ${time}; try again later, or raise its max or concurrency.`;
  return new Problem("too_many_waiting", detail, { retryAfterS: Math.min(60, expectedMs / 1_000) });
}

export function notAccepted(tries: number): Problem {
  const detail = `No instance accepted a connection in ${tries} tries; the function may be restarting, so try again.`;
  return new Problem("no_capacity", detail, { retryAfterS: 1 });
}

export function bodyTimeout(timeoutMs: number): Problem {
  const limit = `${formatMs(timeoutMs)} (timeoutMs of the function)`;
  return new Problem(
    "request_timeout",
    `No part of the request body arrived for ${limit}; send it without pauses.`,
  );
}

export function uploadTimeout(limits: Limits): Problem {
  const limit = `${formatMs(limits.uploadMs)} (SKIFF_UPLOAD_TIMEOUT)`;
  return new Problem(
    "request_timeout",
    `The request body did not arrive within ${limit}; send less, or over a faster connection.`,
  );
}

export function streamIdle(limits: Limits): Problem {
  const limit = `${formatMs(limits.streamIdleMs)} (SKIFF_STREAM_IDLE)`;
  return new Problem("call_timeout", `Nothing moved on the stream for ${limit}; send something more often.`);
}

export function bodyTooLarge(limits: Limits): Problem {
  return new Problem(
    "body_too_large",
    `The body is over ${formatBytes(limits.callBodyBytes)} (SKIFF_MAX_BODY); send less.`,
  );
}

export function traceRefused(): Problem {
  return new Problem("method_not_allowed", "TRACE is not forwarded to functions; use another method.");
}

export function draining(): Problem {
  return new Problem("draining", "This Skiff takes no new calls because it is shutting down; try again.", {
    retryAfterS: 1,
  });
}

/** @param begun true if the response had begun: the client sees its connection break instead of this text */
export function instanceFailed(error: Error, limits: Limits, begun: boolean): Problem {
  if (error instanceof HeadTooLarge) {
    const size = formatBytes(limits.headerBytes);
    return new Problem(
      "instance_failed",
      `The header block of the response is over ${size} (SKIFF_MAX_HEADERS); set fewer or shorter fields.`,
    );
  }
  const when = begun ? "in the middle of its response" : "before its response began";
  const detail = `The instance broke the connection ${when} (${error.message}). Its log tells whether it crashed or ran out of memory.`;
  return new Problem("instance_failed", detail);
}
