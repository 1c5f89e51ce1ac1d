import type { TLSSocket } from "node:tls";
import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import type { CallRecord } from "./call-record.ts";
import type { CallSpan } from "./call-span.ts";
import { fieldForLog, pathForLog } from "./log-text.ts";

export interface OtlpSpanOptions {
  readonly span: Span;
  readonly startedAtMs: number;
  readonly tracer: Tracer;
  /** Asked before so many spans are ended; false: there is no room for them. */
  readonly isTaken: (count: number) => boolean;
}

/** A call as a server span, named by OpenTelemetry's conventions for HTTP and FaaS; its wait is a child. */
export class OtlpSpan implements CallSpan {
  readonly traceparent: string;
  readonly #options: OtlpSpanOptions;

  constructor(options: OtlpSpanOptions) {
    this.#options = options;
    const { traceId, spanId, traceFlags } = options.span.spanContext();
    this.traceparent = `00-${traceId}-${spanId}-0${traceFlags & 1}`;
  }

  end(call: CallRecord): void {
    const { span, startedAtMs, isTaken } = this.#options;
    const hasWaited = call.waitedMs > 0;
    if (!isTaken(hasWaited ? 2 : 1)) return;
    if (hasWaited) this.#addWait(call);
    span.updateName(
      call.functionName === undefined ? (call.request.method ?? "HTTP") : `fn ${call.functionName}`,
    );
    span.setAttributes(attributesOf(call));
    if (isFailure(call)) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(startedAtMs + call.durationMs);
  }

  /** A call that waits does so from its arrival on. */
  #addWait({ waitedMs, wakeSteps }: CallRecord): void {
    const { span, startedAtMs, tracer } = this.#options;
    const endedAtMs = startedAtMs + waitedMs;
    const wait = tracer.startSpan("wait", { startTime: startedAtMs }, trace.setSpan(ROOT_CONTEXT, span));
    const readyMs = Math.max(0, ...wakeSteps.map(({ atMs }) => atMs));
    for (const { name, atMs } of wakeSteps) wait.addEvent(`wake.${name}`, endedAtMs - (readyMs - atMs));
    wait.end(endedAtMs);
  }
}

function attributesOf(call: CallRecord): Attributes {
  const { request, status, code, functionName, version } = call;
  const { remoteAddress, encrypted } = request.socket as TLSSocket;
  return {
    "http.request.method": request.method,
    "url.path": pathForLog(request.url ?? ""),
    "url.scheme": encrypted ? "https" : "http",
    "http.response.status_code": status === 0 ? undefined : status,
    "network.protocol.version": request.httpVersion,
    "client.address": remoteAddress,
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

/** A client that was wrong, or that left, is no failure of the server. */
function isFailure({ status, code, isAborted }: CallRecord): boolean {
  return status >= 500 || (isAborted && code !== undefined);
}
