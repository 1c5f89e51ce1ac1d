import type { CallRequest, OutgoingHead } from "../exchange/request.ts";
import { requestHeaders } from "../exchange/request-head.ts";
import type { Target } from "../exchange/target.ts";
import { renderLine } from "../upstream/upstream-request.ts";
import { inOnePiece, renderFields } from "./render-fields.ts";

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
