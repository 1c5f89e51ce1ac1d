import { OWN_FIELDS } from "../../calling/kept-fields.ts";
import type { LeasedCall } from "../../store/calls.ts";

/**
 * Returns the header fields of an attempt, names and values in turn: those of the request, the call and the number of the
 * attempt, its trace, and an idempotency key unless the caller sent one.
 */
export function attemptFields(call: LeasedCall): string[] {
  const { headers } = call.request;
  // A callback names the call whose outcome it has.
  const isCallback = call.origin.kind === "callback";
  const fields: string[] = [];
  let hasIdempotencyKey = false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase();
    if (OWN_FIELDS.has(name)) continue;
    if (!isCallback && (name === "skiff-call" || name === "skiff-attempt")) continue;
    if (call.traceparent !== undefined && (name === "traceparent" || name === "tracestate")) continue;
    hasIdempotencyKey ||= name === "idempotency-key";
    fields.push(headers[i]!, headers[i + 1]!);
  }
  if (!hasIdempotencyKey) fields.push("idempotency-key", call.id);
  if (call.traceparent !== undefined) fields.push("traceparent", call.traceparent);
  if (call.traceparent !== undefined && call.tracestate) fields.push("tracestate", call.tracestate);
  if (!isCallback) fields.push("skiff-call", call.id, "skiff-attempt", String(call.attempt));
  return fields;
}
