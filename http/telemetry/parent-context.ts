import { type Context, ROOT_CONTEXT, type SpanContext, TraceFlags, trace } from "@opentelemetry/api";
import { isSampled, parentIdOf, traceIdOf } from "../traceparent.ts";

/** Returns the span that a valid `traceparent` names. */
export function spanContextOf(traceparent: string): SpanContext {
  const traceFlags = isSampled(traceparent) ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return { traceId: traceIdOf(traceparent), spanId: parentIdOf(traceparent), traceFlags, isRemote: true };
}

/** @param parent a valid `traceparent`; undefined begins a trace */
export function contextOf(parent: string | undefined): Context {
  return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent));
}
