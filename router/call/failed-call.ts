import type { FailedCall } from "../../platform/usage/exchange.ts";
import type { PreparedRequest } from "../exchange/request.ts";
import type { ClientResponse } from "../exchange/response.ts";
import type { Placement } from "../placement/placement.ts";
import { pathForLog } from "../telemetry/call-record.ts";

export interface FailingCall {
  readonly id: string;
  readonly request: PreparedRequest;
  readonly response: ClientResponse;
  readonly placement: Placement;
  readonly code: string | undefined;
}

/** Describes a failed call in one line for the log of its function. */
export function failedCall(call: FailingCall, status: number, durationMs: number): Omit<FailedCall, "atMs"> {
  const { id, placement, request, code, response } = call;
  const { method, url } = request.head;
  const isBrokenOff = code !== undefined && response.headersSent && response.statusCode !== status;
  const how = isBrokenOff ? `broken off with ${status}` : String(status);
  const because = code === undefined ? "" : ` (${code})`;
  const ms = durationMs < 10 ? durationMs.toFixed(1) : durationMs.toFixed(0);
  const { name, version } = placement.version!;
  return {
    callId: id,
    function: name,
    version,
    instance: placement.served?.instance.id ?? "",
    status,
    text: `${method} ${pathForLog(url ?? "")} ${how} in ${ms} ms${because}`,
  };
}
