import { fieldOf } from "../../http/fields.ts";
import { DELIVERY_RETRY } from "../../platform/events/retry-policy.ts";
import type { NewCall, StoredRequest } from "../../store/call.ts";
import { newCallId } from "../../store/call-id.ts";
import type { AttemptEnd } from "../services.ts";

/**
 * Returns the call that sends the outcome of another one to its callback URL: the answer, or a JSON document that says why
 * there is none. Undefined if the call goes on or names no URL.
 */
export function callbackOf(
  end: AttemptEnd,
  { now, random }: { now: number; random: () => number },
): NewCall | undefined {
  const { call, attempt, outcome, answer } = end;
  const { callback } = call;
  if (callback === undefined || outcome.state === "waiting") return undefined;
  // A receiver that is slow or away delays no other one.
  const url = new URL(callback);
  const headers = ["host", url.host, "skiff-call", call.id, "skiff-state", outcome.state];
  headers.push("skiff-attempts", String(attempt?.number ?? call.attempt - 1));
  let body: StoredRequest["body"];
  if (answer !== undefined) {
    headers.push("skiff-status", String(answer.status));
    if (answer.isCut) headers.push("skiff-cut", "true");
    for (const name of ["content-type", "content-encoding"]) {
      const value = fieldOf(answer.headers, name);
      if (value !== undefined) headers.push(name, value);
    }
    body = answer.body;
  } else {
    const reason = outcome.state === "dead" ? outcome.reason : undefined;
    headers.push("content-type", "application/json");
    body = { inline: Buffer.from(`${JSON.stringify({ id: call.id, state: outcome.state, reason })}\n`) };
  }
  return {
    ...{
      id: newCallId(now, random),
      queue: `callback/${url.host}`,
      target: { url: callback },
      policy: DELIVERY_RETRY,
    },
    request: { method: "POST", path: `${url.pathname}${url.search}`, headers, body },
    origin: { kind: "callback", call: call.id },
    ...{ acceptedAt: now, dueAt: now, priority: 0, orderKey: "", by: call.by, keyId: call.keyId },
    ...{ traceparent: call.traceparent, tracestate: call.tracestate, keepsRecord: false },
  };
}
