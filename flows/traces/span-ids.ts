import { hash } from "node:crypto";
import { formatTraceparent, isSampled, parentIdOf, traceIdOf } from "../../http/traceparent.ts";
import type { FlowTracer } from "./flow-tracer.ts";

/**
 * Returns the id of the span of a run, or of an attempt by its key. It follows from the name, so that the calls before a restart and those
 * after it are parts of the same span.
 */
export function spanIdOf(name: string): string {
  return hash("sha256", name, "hex").slice(0, 16);
}

export interface NewTrace {
  readonly run: string;
  /** A valid field of whoever began the run. */
  readonly given: string | undefined;
  /** Nobody recorded where the run began, unless `given` says so. */
  readonly isFirst: boolean;
  /** Ids of a trace for a run without one. */
  readonly next: () => string;
}

/**
 * Returns the field that a run keeps: it names the trace, whether its spans are recorded, and the parent of the run's own span, or that
 * span itself if it is the root.
 */
export function runTraceparent(
  { run, given, isFirst, next }: NewTrace,
  tracer: Pick<FlowTracer, "samples"> | undefined,
): string {
  const traceId = traceIdOf(given ?? next());
  const parent = given === undefined || (isFirst && !isSampled(given)) ? undefined : given;
  if (parent !== undefined && tracer === undefined) return parent;
  const isRecorded = tracer?.samples(traceId, parent) ?? false;
  const spanId = parent === undefined ? spanIdOf(run) : parentIdOf(parent);
  return formatTraceparent({ traceId, spanId, isSampled: isRecorded });
}
