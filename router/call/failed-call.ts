import type { FailedCall } from "../../platform/usage/exchange.ts";
import { pathForLog } from "../telemetry/call-record.ts";
import type { Call } from "./call.ts";

/** Describes a failed call in one line for the log of its function. */
export function failedCall(call: Call, status: number, durationMs: number): Omit<FailedCall, "atMs"> {
  const { id, fn, placement, request, code, response } = call;
  const { method, url } = request.head;
  const isBrokenOff = code !== undefined && response.headersSent && response.statusCode !== status;
  const how = isBrokenOff ? `broken off with ${status}` : String(status);
  const because = code === undefined ? "" : ` (${code})`;
  const ms = durationMs < 10 ? durationMs.toFixed(1) : durationMs.toFixed(0);
  return {
    callId: id,
    function: fn!.name,
    version: placement.version!.version,
    instance: placement.served?.instance.id ?? "",
    status,
    text: `${method} ${pathForLog(url ?? "")} ${how} in ${ms} ms${because}`,
  };
}
