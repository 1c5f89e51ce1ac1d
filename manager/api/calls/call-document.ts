import { isCredentialField } from "../../../http/fields.ts";
import {
  type Attempt,
  type CallHead,
  type CallOrigin,
  type CallTarget,
  isCommand,
} from "../../../store/call.ts";

const HIDDEN = "(hidden)";

/** Returns a call as the API shows it. */
export function callDocument(call: CallHead): Record<string, unknown> {
  const { id, state, target, request, policy, origin, attempts, answer } = call;
  const { callback, keyId, orderKey, runningSince, endedAt, reason, traceparent } = call;
  return {
    ...{ id, state },
    ...targetOf(target),
    ...{ method: request.method, path: request.path },
    headers: shownHeaders(request.headers),
    bytes: request.body.bytes,
    origin: shownOrigin(origin),
    ...{ by: call.by, ...(keyId === undefined ? {} : { keyId }) },
    ...{ acceptedAt: new Date(call.acceptedAt), dueAt: new Date(call.dueAt) },
    priority: call.priority,
    ...(orderKey === "" ? {} : { orderKey }),
    ...(callback === undefined ? {} : { callback: withoutSecrets(callback) }),
    retry: policy,
    attempts: attempts.map(shownAttempt),
    ...(runningSince === undefined ? {} : { runningSince: new Date(runningSince) }),
    ...(endedAt === undefined ? {} : { endedAt: new Date(endedAt) }),
    ...(reason === undefined ? {} : { reason }),
    ...(answer === undefined ? {} : { answer: shownAnswer(answer) }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

function targetOf(target: CallTarget): Record<string, unknown> {
  if ("flow" in target) return { flow: target.flow };
  if ("url" in target) return { url: isCommand(target) ? "/exec" : withoutSecrets(target.url) };
  const { function: name, version } = target;
  return { function: name, ...(version === undefined ? {} : { version }) };
}

function shownOrigin(origin: CallOrigin): Record<string, unknown> {
  if (origin.kind === "schedule") {
    const { kind, name, at, manual = false } = origin;
    return { kind, name, at: new Date(at), manual };
  }
  if (origin.kind !== "subscription") return { ...origin };
  const { kind, name, topic, group, position, event } = origin;
  return { kind, name, topic, group, position, event };
}

function shownAttempt({ number, startedAt, endedAt, callId, status, error }: Attempt) {
  return {
    ...{ number, startedAt: new Date(startedAt), endedAt: new Date(endedAt) },
    ...(callId === undefined ? {} : { callId }),
    ...(status === undefined ? {} : { status }),
    ...(error === undefined ? {} : { error }),
  };
}

function shownAnswer({ status, headers, body, isCut }: NonNullable<CallHead["answer"]>) {
  return { status, headers: shownHeaders(headers), bytes: body.bytes, isCut };
}

/** Fields of one name are joined, as a recipient may do (RFC 9110, section 5.3). */
function shownHeaders(headers: readonly string[]): Record<string, string> {
  const shown = new Map<string, string>();
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at]!.toLowerCase();
    const before = shown.get(name);
    const value = isCredentialField(name) ? HIDDEN : headers[at + 1]!;
    shown.set(name, before === undefined || value === HIDDEN ? value : `${before}, ${value}`);
  }
  return Object.fromEntries(shown);
}

/** A query of a URL may have a token. Only older records have a user or a password. */
function withoutSecrets(url: string): string {
  const text = url.replace(/^(https?:\/\/)[^/?#]*@/i, "$1");
  const at = text.indexOf("?");
  return at < 0 ? text : `${text.slice(0, at)}?${HIDDEN}`;
}
