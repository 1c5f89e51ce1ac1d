import type { TLSSocket } from "node:tls";
import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { isSampled, parentIdOf, traceIdOf } from "../../http/traceparent.ts";
import { type CallRecord, type CallSpan, fieldForLog, pathForLog, type Tracer } from "./call-record.ts";
import { LimitedLog } from "./limited-log.ts";
import type { OtlpSettings } from "./otlp-settings.ts";

/** Most spans that wait for their export; further ones are dropped. */
export const HELD_SPANS = 8_192;
const BATCH_SPANS = 512;
/** Time after which an incomplete batch is exported, in milliseconds. */
const FLUSH_MS = 2_000;
const EXPORT_MS = 10_000;
const PRINT_LIMIT = { lines: 1, perMs: 60_000 };

/** Records calls as spans and exports them in the background (OTLP over HTTP, JSON). */
export class OtlpTracer implements Tracer {
  readonly #provider: TracerProvider;
  readonly #tracer: ReturnType<TracerProvider["getTracer"]>;
  readonly #exporter: BoundedExporter;

  /** @param print called at most once a minute with the reason why spans are lost */
  constructor(settings: OtlpSettings, print: (line: string) => void) {
    const { url, headers, resource, sampler } = settings;
    const exporter = new OTLPTraceExporter({ url, headers, timeoutMillis: EXPORT_MS });
    this.#exporter = new BoundedExporter(exporter, new URL(url).origin, print);
    const processor = new BatchSpanProcessor({
      exporter: this.#exporter,
      maxQueueSize: HELD_SPANS,
      maxExportBatchSize: BATCH_SPANS,
      scheduledDelayMillis: FLUSH_MS,
      exportTimeoutMillis: EXPORT_MS,
    });
    const root = new TraceIdRatioBasedSampler(sampler.ratio);
    this.#provider = new TracerProvider({
      sampler: sampler.isParentBased ? new ParentBasedSampler({ root }) : root,
      resource: resourceFromAttributes(resource),
      spanProcessors: [processor],
    });
    this.#tracer = this.#provider.getTracer("skiff-router");
  }

  get dropped(): number {
    return this.#exporter.dropped;
  }

  begin(parent: string | undefined, agoMs: number): CallSpan {
    const startedAtMs = Date.now() - agoMs;
    const options = { kind: SpanKind.SERVER, startTime: startedAtMs };
    const span = this.#tracer.startSpan("fn", options, contextOf(parent));
    const { traceId, spanId, traceFlags } = span.spanContext();
    // Without a recorded span the instance's spans stay children of the caller's.
    if (!span.isRecording()) return { traceparent: parent ?? `00-${traceId}-${spanId}-00`, end() {} };
    const traceparent = `00-${traceId}-${spanId}-0${traceFlags & 1}`;
    return { traceparent, end: (call) => this.#end(span, startedAtMs, call) };
  }

  /** Exports the spans that wait, for at most `withinMs`. */
  async close(withinMs: number): Promise<void> {
    const { promise: isOver, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    this.#provider.shutdown().then(resolve, resolve);
    await isOver;
    clearTimeout(timer);
  }

  /** Names the span by OpenTelemetry's conventions for HTTP and FaaS. The wait is a child of it. */
  #end(span: Span, startedAtMs: number, call: CallRecord): void {
    const { waitedMs, wakeSteps, functionName, request } = call;
    if (!this.#exporter.take(waitedMs > 0 ? 2 : 1)) return;
    if (waitedMs > 0) {
      // A call waits from its arrival on.
      const endedAtMs = startedAtMs + waitedMs;
      const context = trace.setSpan(ROOT_CONTEXT, span);
      const wait = this.#tracer.startSpan("wait", { startTime: startedAtMs }, context);
      const readyMs = Math.max(0, ...wakeSteps.map(({ atMs }) => atMs));
      for (const { name, atMs } of wakeSteps) wait.addEvent(`wake.${name}`, endedAtMs - (readyMs - atMs));
      wait.end(endedAtMs);
    }
    span.updateName(functionName === undefined ? (request.method ?? "HTTP") : `fn ${functionName}`);
    span.setAttributes(attributesOf(call));
    if (isFailure(call)) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(startedAtMs + call.durationMs);
  }
}

function attributesOf(call: CallRecord): Attributes {
  const { request, client, status, code, functionName, version } = call;
  const { remoteAddress, encrypted } = request.socket as TLSSocket;
  return {
    "http.request.method": request.method,
    "url.path": pathForLog(request.url ?? ""),
    "url.scheme": client?.scheme ?? (encrypted ? "https" : "http"),
    "http.response.status_code": status === 0 ? undefined : status,
    "network.protocol.version": request.httpVersion,
    "client.address": client?.address ?? remoteAddress,
    "user_agent.original": fieldForLog(request.headers["user-agent"]),
    "faas.trigger": "http",
    "faas.name": functionName,
    "faas.version": version === undefined ? undefined : String(version),
    "faas.instance": call.instance,
    "faas.coldstart": call.isCold,
    "faas.invocation_id": call.id,
    "error.type": isFailure(call) ? (code ?? String(status)) : undefined,
  };
}

/** An error of the client, or its departure, is no failure of the server. */
function isFailure({ status, code, isAborted }: CallRecord): boolean {
  return status >= 500 || (isAborted && code !== undefined);
}

function contextOf(parent: string | undefined) {
  if (parent === undefined) return ROOT_CONTEXT;
  const traceFlags = isSampled(parent) ? TraceFlags.SAMPLED : TraceFlags.NONE;
  const context = { traceId: traceIdOf(parent), spanId: parentIdOf(parent), traceFlags, isRemote: true };
  return trace.setSpanContext(ROOT_CONTEXT, context);
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
