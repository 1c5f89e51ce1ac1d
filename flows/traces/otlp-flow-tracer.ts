import { type HrTime, type SpanContext, SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import { type ReadableSpan, SamplingDecision } from "@opentelemetry/sdk-trace";
import type { OtlpSettings } from "../../http/telemetry/otlp-settings.ts";
import { contextOf } from "../../http/telemetry/parent-context.ts";
import { SpanExport } from "../../http/telemetry/span-export.ts";
import type { FlowSpan, FlowTracer } from "./flow-tracer.ts";

/**
 * Exports the spans of runs. It makes them when they have ended, since the program that sees the end of a run may not have seen its
 * beginning.
 */
export class OtlpFlowTracer implements FlowTracer {
  readonly #export: SpanExport;

  /** @param print called at most once a minute with the reason why spans are lost */
  constructor(settings: OtlpSettings, print: (line: string) => void) {
    this.#export = new SpanExport(settings, print);
  }

  get dropped(): number {
    return this.#export.dropped;
  }

  samples(traceId: string, parent: string | undefined): boolean {
    const context = contextOf(parent);
    const { decision } = this.#export.sampler.shouldSample(
      context,
      traceId,
      "flow",
      SpanKind.INTERNAL,
      {},
      [],
    );
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  }

  record(span: FlowSpan): void {
    if (this.#export.take(1)) this.#export.processor.onEnd(this.#readable(span));
  }

  close(withinMs: number): Promise<void> {
    return this.#export.close(withinMs);
  }

  #readable({
    traceId,
    spanId,
    parentId,
    startedAt,
    endedAt,
    isError,
    isCall,
    ...span
  }: FlowSpan): ReadableSpan {
    const contextOfSpan = (id: string): SpanContext => {
      return { traceId, spanId: id, traceFlags: TraceFlags.SAMPLED };
    };
    return {
      ...span,
      kind: isCall ? SpanKind.CLIENT : SpanKind.INTERNAL,
      spanContext: () => contextOfSpan(spanId),
      ...(parentId === undefined ? {} : { parentSpanContext: contextOfSpan(parentId) }),
      startTime: timeOf(startedAt),
      endTime: timeOf(endedAt),
      duration: timeOf(endedAt - startedAt),
      status: { code: isError ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
      ...{ links: [], events: [], ended: true },
      resource: this.#export.resource,
      instrumentationScope: { name: "skiff-flows" },
      ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
    };
  }
}

function timeOf(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
}
