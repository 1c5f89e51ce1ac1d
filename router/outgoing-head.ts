import type { CallRequest } from "./call-request.ts";
import { inOnePiece, renderFields } from "./render-fields.ts";
import { type Outgoing, requestHeaders } from "./request-headers.ts";
import type { Target } from "./target.ts";
import { renderLine } from "./upstream-request.ts";

/** The head of a request as its instance gets it, without what is another one for each call. */
export interface OutgoingHead extends Pick<Outgoing, "traceparent" | "tracestate"> {
  /** The request line and fields; more fields may follow. */
  readonly text: string;
}

/** @throws Problem `invalid_request`, see requestHeaders */
export function outgoingHead(request: CallRequest, target: Target): OutgoingHead {
  const { headers, traceparent, tracestate } = requestHeaders(request, target);
  return { text: renderLine(request.method!, target.path) + renderFields(headers), traceparent, tracestate };
}

/** The same in one piece, for a request that may come again. */
export function keptHead(request: CallRequest, target: Target): OutgoingHead {
  const head = outgoingHead(request, target);
  return { ...head, text: inOnePiece(head.text) };
}
