import { fieldOf } from "../../http/fields.ts";
import type { FailedCall, TracedCall } from "../../platform/usage/exchange.ts";
import type { PreparedRequest } from "../exchange/request.ts";
import type { ClientResponse } from "../exchange/response.ts";
import type { Placement } from "../placement/placement.ts";
import { pathForLog, stepDurations } from "../telemetry/call-record.ts";

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

/** Describes where the time of a call went that failed or waited for a start. */
export function tracedCall(call: FailingCall, status: number, durationMs: number): Omit<TracedCall, "atMs"> {
  const { id, placement, request } = call;
  const { isCold, waitedMs, version, served } = placement;
  const { name, version: number, wakeSteps } = version!;
  const { rawHeaders } = request.head;
  const [run, origin] = [idIn(rawHeaders, "skiff-run"), idIn(rawHeaders, "skiff-call")];
  return {
    callId: id,
    function: name,
    version: number,
    instance: served?.instance.id ?? "",
    status,
    durationMs,
    waitedMs: served === undefined ? durationMs : waitedMs,
    wake: isCold ? stepDurations(wakeSteps) : [],
    ...(run === undefined ? {} : { run }),
    ...(origin === undefined ? {} : { call: origin }),
  };
}

/** Returns the id of a call or run that a request names. */
function idIn(rawHeaders: readonly string[], name: string): string | undefined {
  const value = fieldOf(rawHeaders, name);
  return value !== undefined && /^[0-9a-f]{32}$/.test(value) ? value : undefined;
}
