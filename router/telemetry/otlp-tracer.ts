import type { TLSSocket } from "node:tls";
import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import type { OtlpSettings } from "../../http/telemetry/otlp-settings.ts";
import { contextOf } from "../../http/telemetry/parent-context.ts";
import { SpanExport } from "../../http/telemetry/span-export.ts";
import { type CallRecord, type CallSpan, fieldForLog, pathForLog, type Tracer } from "./call-record.ts";

/** Records calls as spans and exports them in the background (OTLP over HTTP, JSON). */
export class OtlpTracer implements Tracer {
  readonly #export: SpanExport;
  readonly #tracer: ReturnType<TracerProvider["getTracer"]>;

  /** @param print called at most once a minute with the reason why spans are lost */
  constructor(settings: OtlpSettings, print: (line: string) => void) {
    this.#export = new SpanExport(settings, print);
    const { sampler, resource, processor } = this.#export;
    const provider = new TracerProvider({ sampler, resource, spanProcessors: [processor] });
    this.#tracer = provider.getTracer("skiff-router");
  }

  get dropped(): number {
    return this.#export.dropped;
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

  close(withinMs: number): Promise<void> {
    return this.#export.close(withinMs);
  }

  /** Names the span by OpenTelemetry's conventions for HTTP and FaaS. The wait is a child of it. */
  #end(span: Span, startedAtMs: number, call: CallRecord): void {
    const { waitedMs, wakeSteps, functionName, request } = call;
    if (!this.#export.take(waitedMs > 0 ? 2 : 1)) return;
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
