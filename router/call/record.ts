import type { CallRecord } from "../telemetry/call-record.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { isTraceparent } from "../telemetry/trace-context.ts";
import type { Call } from "./call.ts";

/** Writes a call whose response is over to the access log and to its span. */
export function recordCall(call: Call, { accessLog, tracer }: Telemetry): void {
  const record = recordOf(call);
  accessLog?.write(record);
  // A call that was refused before it was forwarded has no span yet.
  (call.trace?.span ?? tracer?.begin(record.traceparent, record.durationMs))?.end(record);
}

function recordOf(call: Call): CallRecord {
  const { id, request, response, placement, fn, body, tunnel, code, trace } = call;
  const { head, traceparent } = request;
  const { isCold, served, version, waitedMs, retries, elapsedMs } = placement;
  const received = head.socket.bytesRead - call.receivedBefore;
  const status = response.headersSent ? response.statusCode : 0;
  const isWhole = tunnel !== undefined || response.writableFinished;
  return {
    id,
    request: head,
    functionName: fn?.name,
    version: served === undefined ? undefined : version?.version,
    instance: served?.instance.id,
    status,
    isAborted: !isWhole,
    durationMs: elapsedMs,
    waitedMs,
    requestBytes: call.input.upgrade === undefined ? (body?.bytes ?? 0) : received,
    responseBytes: head.socket.bytesWritten - call.sentBefore,
    code,
    isCold,
    wakeSteps: isCold ? (version?.wakeSteps ?? []) : [],
    retries,
    traceparent: trace?.traceparent ?? (traceparent && isTraceparent(traceparent) ? traceparent : undefined),
  };
}
