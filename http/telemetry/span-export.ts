import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import { LimitedLog } from "../../process/limited-log.ts";
import type { OtlpSettings } from "./otlp-settings.ts";

/** Most spans that wait for their export; further ones are dropped. */
export const HELD_SPANS = 8_192;
const BATCH_SPANS = 512;
/** Time after which an incomplete batch is exported, in milliseconds. */
const FLUSH_MS = 2_000;
const EXPORT_MS = 10_000;
const PRINT_LIMIT = { lines: 1, perMs: 60_000 };

/** Exports spans in the background (OTLP over HTTP, JSON). */
export class SpanExport {
  readonly sampler: Sampler;
  readonly resource: Resource;
  readonly processor: SpanProcessor;
  readonly #exporter: BoundedExporter;

  /** @param print called at most once a minute with the reason why spans are lost */
  constructor({ url, headers, resource, sampler }: OtlpSettings, print: (line: string) => void) {
    const exporter = new OTLPTraceExporter({ url, headers, timeoutMillis: EXPORT_MS });
    this.#exporter = new BoundedExporter(exporter, new URL(url).origin, print);
    const root = new TraceIdRatioBasedSampler(sampler.ratio);
    this.sampler = sampler.isParentBased ? new ParentBasedSampler({ root }) : root;
    this.resource = resourceFromAttributes(resource);
    this.processor = new BatchSpanProcessor({
      exporter: this.#exporter,
      maxQueueSize: HELD_SPANS,
      maxExportBatchSize: BATCH_SPANS,
      scheduledDelayMillis: FLUSH_MS,
      exportTimeoutMillis: EXPORT_MS,
    });
  }

  /** Spans that were not exported. */
  get dropped(): number {
    return this.#exporter.dropped;
  }

  /** Returns whether `count` more spans may end; if not, they are lost. */
  take(count: number): boolean {
    return this.#exporter.take(count);
  }

  /** Exports the spans that wait, for at most `withinMs`. */
  async close(withinMs: number): Promise<void> {
    const { promise: isOver, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    this.processor.shutdown().then(resolve, resolve);
    await isOver;
    clearTimeout(timer);
  }
}

/** The members of OpenTelemetry's SpanExporter that are used. `code` 0 is success. */
interface Exporter<Span> {
  export(spans: Span[], done: (result: { code: number; error?: Error }) => void): void;
  shutdown(): Promise<void>;
}

/** Limits the spans that wait for an exporter, and counts the lost ones. */
export class BoundedExporter<Span = never> implements Exporter<Span> {
  dropped = 0;
  readonly #exporter: Exporter<Span>;
  readonly #receiver: string;
  readonly #log: LimitedLog;
  #held = 0;

  /** @param receiver its address, without secrets */
  constructor(exporter: Exporter<Span>, receiver: string, print: (line: string) => void) {
    this.#exporter = exporter;
    this.#receiver = receiver;
    this.#log = new LimitedLog(print, PRINT_LIMIT);
  }

  /** Returns whether `count` more spans may end; if not, they are lost. */
  take(count: number): boolean {
    const hasRoom = this.#held + count <= HELD_SPANS;
    if (hasRoom) this.#held += count;
    else this.dropped += count;
    return hasRoom;
  }

  export(spans: Span[], done: (result: { code: number; error?: Error }) => void): void {
    this.#exporter.export(spans, (result) => {
      this.#held -= spans.length;
      if (result.code !== 0) {
        this.dropped += spans.length;
        const reason = (result.error?.message || "unknown reason").slice(0, 300);
        this.#log.print(
          `spans cannot be exported to ${this.#receiver}: ${reason} (${this.dropped} lost so far)`,
        );
      }
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }
}
