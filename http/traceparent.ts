import { randomBytes } from "node:crypto";

/** Version, trace id, parent id, flags (https://www.w3.org/TR/trace-context/); later versions append. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;
const LENGTH = 55;
const LONGEST = 512;

/** Returns whether this field continues a trace. A field that is not valid begins a new one. */
export function isTraceparent(text: string): boolean {
  if (text.length !== LENGTH && (text.length > LONGEST || text.startsWith("00"))) return false;
  return TRACEPARENT.test(text);
}

export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

export function parentIdOf(traceparent: string): string {
  return traceparent.slice(36, 52);
}

/** Returns whether the caller recorded its part of the trace. */
export function isSampled(traceparent: string): boolean {
  return (Number.parseInt(traceparent.slice(53, 55), 16) & 1) === 1;
}

/** Returns a field that begins a trace, which its caller did not record. */
export function newTraceparent(): string {
  const ids = randomBytes(24).toString("hex");
  return `00-${ids.slice(0, 32)}-${ids.slice(32)}-00`;
}
