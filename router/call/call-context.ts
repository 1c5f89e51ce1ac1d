import type { Limits } from "../../platform/limits.ts";
import type { AccessLog } from "../telemetry/access-log.ts";
import type { Tracer } from "../telemetry/call-span.ts";
import type { TraceIds } from "../telemetry/trace-context.ts";
import type { Alarms } from "./alarm.ts";
import type { FailureLog } from "./failure-log.ts";

/** What all calls of a router share. */
export interface CallContext {
  readonly limits: Limits;
  readonly failures: FailureLog;
  readonly alarms: Alarms;
  readonly traceIds: TraceIds;
  /** Undefined: no spans are exported. */
  readonly tracer: Tracer | undefined;
  /** Undefined: no access log is kept. */
  readonly accessLog: AccessLog | undefined;
  readonly isClosing: () => boolean;
  /** A call is over; told once by each. */
  readonly ended: () => void;
}
