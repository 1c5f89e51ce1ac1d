import type { Dispatcher } from "undici";
import { BLOCKED_ADDRESS } from "../http/addresses/public-addresses.ts";
import { fieldOf } from "../http/fields.ts";
import { UNFORWARDED_HEADER } from "../http/unforwarded.ts";
import { formatMs } from "../platform/quantity.ts";
import type { Bodies, StoredBody } from "../store/bodies.ts";
import type { Answer } from "../store/call.ts";
import { isAway } from "./away.ts";
import { keepBody } from "./kept-answer.ts";
import { keptFields } from "./kept-fields.ts";
import type { ReceivedHead, Sent } from "./sent.ts";

export interface Outgoing {
  readonly dispatcher: Dispatcher;
  /** Scheme and authority. */
  readonly origin: string;
  readonly path: string;
  readonly method: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: StoredBody;
  /** Longest time until the response begins, and from then on until its end; in milliseconds. */
  readonly headMs: number;
  readonly answerMs: number;
  /** Ends the exchange; its reason is the text of the error. */
  readonly signal: AbortSignal;
}

export interface Kept {
  readonly bodies: Bodies;
  /** Most bytes of an answer that are kept. */
  readonly mostBytes: number;
  /** Whether `x-skiff-error` tells that Skiff answered. */
  readonly trustsMark: boolean;
}

export interface Exchanged {
  readonly sent: Sent;
  /** Absent without a whole response. */
  readonly answer?: Answer | undefined;
  /** Id that the router gave the call. */
  readonly callId?: string | undefined;
}

/** System calls that fail before a connection is there. The same codes occur on a connection whose other end is gone. */
const CONNECTING = new Set(["connect", "getaddrinfo"]);
/** Codes of requests that cannot be written. */
const NOT_VALID = new Set(["UND_ERR_INVALID_ARG", "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH", "ERR_INVALID_URL"]);

/** Sends a request and reads the response to its end. Never rejects. */
export async function exchange(outgoing: Outgoing, kept: Kept): Promise<Exchanged> {
  const { dispatcher, origin, path, method, headers, body, headMs, answerMs, signal } = outgoing;
  const ending = new AbortController();
  const end = () => ending.abort(signal.reason);
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  const late = (ms: number, what: string) =>
    setTimeout(() => ending.abort(new Error(`${what} within ${formatMs(ms)}`)), ms);
  let timer = late(headMs, "The response did not begin");
  const upload = uploadOf(body, kept.bodies);
  try {
    const response = await dispatcher.request({
      ...{ origin, path, method: method as Dispatcher.HttpMethod, signal: ending.signal },
      headers: [...headers, ...upload.fields],
      ...{ body: upload.body, responseHeaders: "raw", headersTimeout: 0, bodyTimeout: 0 },
    });
    clearTimeout(timer);
    timer = late(answerMs, "The response did not end");
    const fields = response.headers as unknown as string[];
    const { body: keptBody, isCut, start } = await keepBody(response.body, kept);
    const answer = {
      status: response.statusCode,
      headers: keptFields(fields, method),
      body: keptBody,
      isCut,
    };
    const head = receivedHead(response.statusCode, fields, start, kept.trustsMark);
    return { sent: { response: head }, answer, callId: fieldOf(fields, "x-skiff-call-id") };
  } catch (error) {
    return { sent: upload.failure() ?? failureOf(error as NodeJS.ErrnoException) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}

/** Reads a body that is not in the row as it is sent, and remembers why that failed. */
function uploadOf(body: StoredBody, bodies: Bodies) {
  if ("inline" in body) {
    const { inline } = body;
    return { body: inline.length === 0 ? null : inline, fields: [], failure: () => undefined };
  }
  let failure: Sent | undefined;
  async function* parts(): AsyncIterable<Uint8Array> {
    try {
      yield* bodies.read(body);
    } catch (error) {
      const { message } = error as Error;
      // The router passes on what has arrived, but no function takes an incomplete body for a whole one.
      failure = isAway(error)
        ? { postponed: message }
        : { forbidden: `The stored body cannot be read: ${message}` };
      throw error;
    }
  }
  return { body: parts() as never, fields: ["content-length", String(body.bytes)], failure: () => failure };
}

function failureOf(error: NodeJS.ErrnoException): Sent {
  const { code = "", name, message } = error;
  if (name === BLOCKED_ADDRESS) return { forbidden: message };
  if (NOT_VALID.has(code)) return { forbidden: `The request cannot be sent: ${message}.` };
  if (isUnreached(error)) return { unreached: `No connection: ${message || code}.` };
  return { broken: `There is no whole answer: ${message || code}.` };
}

function isUnreached({ code, syscall, errors }: NodeJS.ErrnoException & Partial<AggregateError>): boolean {
  if (code === "UND_ERR_CONNECT_TIMEOUT") return true;
  // Of a name with several addresses.
  if (errors !== undefined) return errors.every((each) => isUnreached(each as NodeJS.ErrnoException));
  return syscall !== undefined && CONNECTING.has(syscall);
}

function receivedHead(
  status: number,
  fields: readonly string[],
  start: Buffer,
  trustsMark: boolean,
): ReceivedHead {
  const after = fieldOf(fields, "retry-after");
  const retryAfterMs = after !== undefined && /^\d{1,6}$/.test(after) ? Number(after) * 1_000 : undefined;
  if (trustsMark && fieldOf(fields, "x-skiff-error") === "platform") {
    const { code, detail } = problemIn(start);
    const isUnforwarded = fieldOf(fields, UNFORWARDED_HEADER) !== undefined;
    if (code !== undefined) return { status, code, isUnforwarded, retryAfterMs, text: detail };
  }
  const isText = /^text\/|json|xml/i.test(fieldOf(fields, "content-type") ?? "text/plain");
  return { status, retryAfterMs, text: isText ? start.subarray(0, 1_000).toString() : "" };
}

function problemIn(start: Buffer): { code?: string; detail: string } {
  try {
    const { code, detail } = JSON.parse(start.toString()) as Record<string, unknown>;
    return {
      ...(typeof code === "string" ? { code } : {}),
      detail: typeof detail === "string" ? detail : "",
    };
  } catch {
    // A HEAD request gets the status of a problem without its document.
    return { code: "unknown", detail: "" };
  }
}
