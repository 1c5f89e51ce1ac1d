import { isTraceparent, isTracestate } from "../../http/traceparent.ts";
import type { Attributes } from "./attributes.ts";

/** How many answers led to an event. Skiff alone counts. */
export const HOPS = "skiffhops";

/** Returns the attributes that a sender may set, without a trace context that is not valid. */
export function ownAttributes(attributes: Attributes): Attributes {
  const { traceparent, tracestate, [HOPS]: _, ...others } = attributes;
  return {
    ...others,
    ...(traceparent !== undefined && isTraceparent(traceparent) ? { traceparent } : {}),
    ...(tracestate !== undefined && isTracestate(tracestate) ? { tracestate } : {}),
  };
}
