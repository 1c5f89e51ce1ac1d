import { STATUS_CODES } from "node:http";
import { BUSY_HEADER } from "../../client-image/start-message.ts";
import { connectionNames, HOP_FIELDS } from "../../http/fields.ts";
import { flat, renderFields } from "../exchange/request-head.ts";
import type { RenderedHead, ResponseHead } from "../exchange/response.ts";
import { isFieldValue, MalformedResponse, parseFields } from "./response-fields.ts";

/** The body is chunked (RFC 9112 7.1). */
export const CHUNKED = -1;
/** The body ends with the connection. */
export const UNTIL_CLOSE = -2;

/** The head of an instance's response; its `headers` are those for the client. */
export interface UpstreamHead extends ResponseHead {
  /** Bytes of the body, CHUNKED or UNTIL_CLOSE. Whether there is a body depends on the request, too. */
  readonly length: number;
  /** The connection can be used again after the response. */
  readonly keepsAlive: boolean;
  /** The instance has no place for the call, and has read none of its body. */
  readonly isBusy: boolean;
  /** Cached by the parser when the instance repeats a head. */
  rendered?: RenderedHead;
}

/** Fields of an instance's response that are not forwarded. */
const STRIPPED: ReadonlySet<string> = new Set(
  [...HOP_FIELDS, "Proxy-Authenticate"].map((name) => name.toLowerCase()),
);
/** Fields by which the router describes a call and its answer: an instance cannot set them. */
const OURS = "x-skiff-";

/** Status line with an optional reason, which is not forwarded. */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([^\r\n]*))?\r\n/;
const LENGTH = /^\d{1,15}$/;
const CLOSE = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i;
const KEEP_ALIVE = /(?:^|,)[ \t]*keep-alive[ \t]*(?:,|$)/i;

/**
 * Parses a status line and header block. It is strict where Node's parser is lenient: the framing of the body
 * must be unambiguous, because a function that escaped its sandbox may send anything.
 * @throws MalformedResponse
 */
export function parseResponseHead(text: string): UpstreamHead {
  const line = STATUS_LINE.exec(text);
  if (line === null || !isFieldValue(line[3] ?? "")) {
    throw new MalformedResponse("its response has no valid status line");
  }
  const status = Number(line[2]);
  const fields = parseFields(text, line[0].length);
  let length: number | undefined;
  let isChunked = false;
  let connection: string | undefined;
  let isBusy = false;
  for (let i = 0; i < fields.length; i += 2) {
    const value = fields[i + 1]!;
    switch (fields[i]) {
      case "content-length":
        if (length !== undefined) throw new MalformedResponse("its response has two lengths");
        if (!LENGTH.test(value)) throw new MalformedResponse("the length of its response is not a number");
        length = Number(value);
        break;
      case "transfer-encoding":
        if (isChunked || value.toLowerCase() !== "chunked" || line[1] === "0") {
          throw new MalformedResponse("the transfer encoding of its response is not chunked");
        }
        isChunked = true;
        break;
      case "connection":
        connection = connection === undefined ? value : `${connection}, ${value}`;
        break;
      case BUSY_HEADER:
        isBusy = status === 503;
    }
  }
  if (isChunked && length !== undefined) {
    throw new MalformedResponse("its response has both a length and a transfer encoding");
  }
  const headers = forClient(fields, status, connection);
  if (status === 205 && length === undefined && !isChunked) {
    // Deno sends 205 without framing and keeps the connection open.
    headers.push("content-length", "0");
    return { status, headers, length: 0, keepsAlive: false, isBusy };
  }
  const keepsAlive =
    line[1] === "1" ? connection === undefined || !CLOSE.test(connection) : KEEP_ALIVE.test(connection ?? "");
  return { status, headers, length: isChunked ? CHUNKED : (length ?? UNTIL_CLOSE), keepsAlive, isBusy };
}

export function renderHead({ status, headers }: ResponseHead): RenderedHead {
  let hasLength = false;
  let hasDate = false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    if (name === "content-length") hasLength = true;
    else if (name === "date") hasDate = true;
  }
  const line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "unknown"}\r\n`;
  return { text: line + renderFields(headers), hasDate, hasLength };
}

/** Renders a head that is sent often as a flat string. */
export function keepHead(head: ResponseHead): RenderedHead {
  const { text, ...rest } = renderHead(head);
  return { text: flat(text), ...rest };
}

/** Returns false for fields that are not trailers: framing (RFC 9110 6.5.1) and those of the router. */
export function isTrailer(name: string): boolean {
  return name !== "content-length" && !isStripped(name);
}

function isStripped(name: string): boolean {
  return STRIPPED.has(name) || name.startsWith(OURS);
}

/**
 * Returns whether a field marks an answer of Skiff. The runtime sets it when it answers for a function that
 * threw, so a function can set it on its own 500 only.
 */
function isMark(name: string, value: string, status: number): boolean {
  return status === 500 && name === "x-skiff-error" && value === "platform";
}

function forClient(fields: readonly string[], status: number, connection: string | undefined): string[] {
  const named = connectionNames(connection);
  const headers: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (named?.has(name) || (isStripped(name) && !isMark(name, fields[i + 1]!, status))) continue;
    // Some clients wait for a body if a response without one has a length (RFC 9110 8.6).
    if (status === 204 && name === "content-length") continue;
    headers.push(name, fields[i + 1]!);
  }
  return headers;
}
