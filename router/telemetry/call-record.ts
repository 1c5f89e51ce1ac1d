import type { Spans } from "../../http/traceparent.ts";
import type { WakeStep } from "../../platform/platform.ts";
import type { ProblemCode } from "../../platform/problems.ts";
import type { PreparedRequest, RequestHead } from "../exchange/request.ts";

/** A finished call, for the access log and its span. */
export interface CallRecord {
  readonly id: string;
  readonly request: RequestHead;
  /** The client according to a trusted proxy; undefined without one. */
  readonly client: PreparedRequest["client"];
  /** Undefined if the call was refused before its function was known. */
  readonly functionName: string | undefined;
  /** Undefined if no instance had the call. */
  readonly version: number | undefined;
  readonly instance: string | undefined;
  /** Status of the response; 0 if the client left before there was one. */
  readonly status: number;
  /** The connection broke before the response was complete. */
  readonly isAborted: boolean;
  readonly durationMs: number;
  readonly waitedMs: number;
  /** Bytes of the body that arrived. */
  readonly requestBytes: number;
  /** Bytes that were sent to the client, including the head. */
  readonly responseBytes: number;
  /** The problem with which Skiff answered, or broke the response off. */
  readonly code: ProblemCode | undefined;
  /** The call arrived when no instance was ready. */
  readonly isCold: boolean;
  /** The steps of the waking that the call waited for, where they are known. */
  readonly wakeSteps: readonly WakeStep[];
  readonly retries: number;
  /** The field that was, or would have been, forwarded to the instance. */
  readonly traceparent: string | undefined;
}

/** A call's part of a trace, from its arrival to its end. */
export interface CallSpan {
  /** Forwarded to the instance: if this span is recorded, the instance's spans are its children. */
  readonly traceparent: string;
  end(call: CallRecord): void;
}

/** Records calls as spans. Never waits and never throws. */
export interface Tracer extends Spans<CallSpan> {
  /** Spans that were not exported. */
  readonly dropped: number;
}

/** Longest values that a client chooses, in characters. */
const PATH_LENGTH = 2_048;
const FIELD_LENGTH = 256;

/** Characters that clients should have escaped in a path. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are to be escaped
const NOT_IN_PATH = /[\x00-\x20"<>\\^`{|}\x7f-\uffff]/g;
const NOT_IN_FIELD = /[^\x20-\x7e]/g;

/**
 * Returns the path of a request target without query and authority, which may contain secrets. It is plain
 * ASCII without quotes and backslashes, so that it needs no escapes in JSON or on a terminal.
 */
export function pathForLog(target: string): string {
  const cut = target.slice(0, 4 * PATH_LENGTH);
  const path = cut.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "");
  const end = path.search(/[?#]/);
  return (end < 0 ? path : path.slice(0, end)).replace(NOT_IN_PATH, escaped).slice(0, PATH_LENGTH);
}

/** Returns the value of a header field in printable ASCII. */
export function fieldForLog(value: string | undefined): string | undefined {
  return value?.slice(0, FIELD_LENGTH).replace(NOT_IN_FIELD, "?");
}

function escaped(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

/** Returns the duration of each step, in the order of their ends. */
export function stepDurations(steps: readonly WakeStep[]): { name: WakeStep["name"]; durationMs: number }[] {
  const ordered = steps.toSorted((a, b) => a.atMs - b.atMs);
  return ordered.map(({ name, atMs }, index) => ({
    name,
    durationMs: atMs - (ordered[index - 1]?.atMs ?? 0),
  }));
}

/**
 * Returns `Server-Timing` (https://www.w3.org/TR/server-timing/) for a call that woke its function. The last
 * entry, `first-byte`, is the time from the instance's readiness to the head of its response.
 */
export function serverTiming(steps: readonly WakeStep[], elapsedMs: number): string {
  const readyMs = Math.max(...steps.map(({ atMs }) => atMs));
  const entries = stepDurations(steps).map(({ name, durationMs }) => `${name};dur=${durationMs.toFixed(1)}`);
  // A call that arrived during a waking did not wait for all of it.
  const rest = Math.max(0, elapsedMs - readyMs);
  return [...entries, `first-byte;dur=${rest.toFixed(1)}`].join(", ");
}
