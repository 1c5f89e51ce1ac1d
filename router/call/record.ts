import { isTraceparent } from "../../http/traceparent.ts";
import type { CallRecord } from "../telemetry/call-record.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Call } from "./call.ts";

/** Writes a call whose response has ended to the access log and to its span. */
export function recordCall(call: Call, { accessLog, tracer }: Telemetry): void {
  const { id, request, response, placement, fn, body, tunnel, code, trace } = call;
  const { head, client, traceparent } = request;
  const { isCold, served, version, waitedMs, retries, elapsedMs } = placement;
  const isUpgrade = call.input.upgrade !== undefined;
  const record: CallRecord = {
    id,
    request: head,
    client,
    functionName: fn?.name,
    version: served === undefined ? undefined : version?.version,
    instance: served?.instance.id,
    status: response.headersSent ? response.statusCode : 0,
    isAborted: tunnel === undefined && !response.writableFinished,
    durationMs: elapsedMs,
    waitedMs,
    requestBytes: isUpgrade ? head.socket.bytesRead - call.receivedBefore : (body?.bytes ?? 0),
    responseBytes: head.socket.bytesWritten - call.sentBefore,
    code,
    isCold,
    wakeSteps: isCold ? (version?.wakeSteps ?? []) : [],
    retries,
    traceparent: trace?.traceparent ?? (traceparent && isTraceparent(traceparent) ? traceparent : undefined),
  };
  accessLog?.write(record);
  // A call that was refused before it was forwarded has no span yet.
  (trace?.span ?? tracer?.begin(record.traceparent, elapsedMs))?.end(record);
}
