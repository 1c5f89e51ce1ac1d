import { fieldsWithout, HOP_FIELDS } from "../../http/fields.ts";
import type { LeasedCall } from "../../store/calls.ts";

/** Fields of one connection, and those that the client of the worker writes itself. */
const HOP = new Set(
  [...HOP_FIELDS, "Expect", "Content-Length", "X-Skiff-Key"].map((name) => name.toLowerCase()),
);

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
    if (HOP.has(name)) continue;
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

/**
 * Returns the fields of a response that are kept, names and values in turn. Its length is that of the body that is kept,
 * but a HEAD asks for that of another one.
 */
export function keptFields(headers: readonly string[], method: string): string[] {
  return fieldsWithout(headers, (name) => {
    if (name === "content-length") return method !== "HEAD";
    return HOP.has(name) || name.startsWith("x-skiff-");
  });
}
