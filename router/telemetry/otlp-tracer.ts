import { ROOT_CONTEXT, SpanKind, TraceFlags, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { CallSpan, Tracer } from "./call-span.ts";
import { ExportWatch } from "./export-watch.ts";
import type { OtlpSettings, Sampling } from "./otlp-settings.ts";
import { OtlpSpan } from "./otlp-span.ts";
import { isSampled, parentIdOf, traceIdOf } from "./trace-context.ts";

/** Spans that wait for their export; what comes beyond is dropped. */
const HELD_SPANS = 8_192;
const BATCH_SPANS = 512;
/** Time after which spans are exported that do not fill a batch. */
const FLUSH_MS = 2_000;
const EXPORT_MS = 10_000;

export interface OtlpTracerOptions {
  readonly settings: OtlpSettings;
  /** Takes a line for people, at most one a minute: why spans are lost. */
  readonly print: (line: string) => void;
}

/** Records calls as spans and exports them in the background (OTLP over HTTP, JSON). */
export class OtlpTracer implements Tracer {
  readonly #provider: TracerProvider;
  readonly #tracer: ReturnType<TracerProvider["getTracer"]>;
  readonly #watch: ExportWatch;

  constructor({ settings, print }: OtlpTracerOptions) {
    const { url, headers, resource, sampler } = settings;
    const exporter = new OTLPTraceExporter({ url, headers, timeoutMillis: EXPORT_MS });
    this.#watch = new ExportWatch(exporter, { heldSpans: HELD_SPANS, receiver: new URL(url).origin, print });
    const processor = new BatchSpanProcessor({
      exporter: this.#watch,
      maxQueueSize: HELD_SPANS,
      maxExportBatchSize: BATCH_SPANS,
      scheduledDelayMillis: FLUSH_MS,
      exportTimeoutMillis: EXPORT_MS,
    });
    this.#provider = new TracerProvider({
      sampler: samplerOf(sampler),
      resource: resourceFromAttributes(resource),
      spanProcessors: [processor],
    });
    this.#tracer = this.#provider.getTracer("skiff-router");
  }

  /** Spans that were not exported. */
  get dropped(): number {
    return this.#watch.dropped;
  }

  begin(parent: string | undefined, agoMs: number): CallSpan {
    const startedAtMs = Date.now() - agoMs;
    const options = { kind: SpanKind.SERVER, startTime: startedAtMs };
    const span = this.#tracer.startSpan("fn", options, contextOf(parent));
    // What is not recorded has no place in the trace: the instance's spans stay children of the caller's.
    if (!span.isRecording()) return { traceparent: parent ?? unsampled(span.spanContext()), end() {} };
    return new OtlpSpan({ span, startedAtMs, tracer: this.#tracer, isTaken: (n) => this.#watch.take(n) });
  }

  /** Exports what is held, for at most `withinMs`. */
  async close(withinMs: number): Promise<void> {
    const { promise: isOver, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    this.#provider.shutdown().then(resolve, resolve);
    await isOver;
    clearTimeout(timer);
  }
}

function contextOf(parent: string | undefined) {
  if (parent === undefined) return ROOT_CONTEXT;
  const traceFlags = isSampled(parent) ? TraceFlags.SAMPLED : TraceFlags.NONE;
  const context = { traceId: traceIdOf(parent), spanId: parentIdOf(parent), traceFlags, isRemote: true };
  return trace.setSpanContext(ROOT_CONTEXT, context);
}

function unsampled({ traceId, spanId }: { traceId: string; spanId: string }): string {
  return `00-${traceId}-${spanId}-00`;
}

function samplerOf({ isParentBased, ratio }: Sampling) {
  const root = new TraceIdRatioBasedSampler(ratio);
  return isParentBased ? new ParentBasedSampler({ root }) : root;
}
