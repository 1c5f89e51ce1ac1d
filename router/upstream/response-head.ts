import { connectionNames } from "../exchange/request-head.ts";
import { isMark, isStripped } from "../headers/response-headers.ts";
import { isFieldValue, MalformedResponse, parseFields } from "./response-fields.ts";

/** The body comes in chunks (RFC 9112 7.1). */
export const CHUNKED = -1;
/** The body ends with the connection. */
export const UNTIL_CLOSE = -2;

export interface ResponseHead {
  readonly status: number;
  /** As the client gets them: names in lower case and values in turn, without what was meant for us alone. */
  readonly headers: readonly string[];
  /** Bytes of the body, CHUNKED or UNTIL_CLOSE; whether there is a body at all depends on the request, too. */
  readonly length: number;
  /** The connection may be used again after the response. */
  readonly keepsAlive: boolean;
  /** Set by the parser: the response before it on the connection had the same one. */
  isRepeated?: boolean;
  /** Set by who sends it on, for the next time. */
  kept?: KeptHead;
}

/** The status line and fields of a head in one piece: to put pieces together costs each time. */
export interface KeptHead {
  readonly text: string;
  readonly hasDate: boolean;
  readonly hasLength: boolean;
}

/** `HTTP/1.1 200`, a reason or none; the reason goes no further. */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([^\r\n]*))?\r\n/;
const LENGTH = /^\d{1,15}$/;
const CLOSE = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i;
const KEEP_ALIVE = /(?:^|,)[ \t]*keep-alive[ \t]*(?:,|$)/i;

/**
 * Reads a status line and header block. It is strict where node's parser is lenient: what frames the body must
 * leave no choice, because a function that escaped its sandbox may say anything.
 * @throws MalformedResponse
 */
export function parseResponseHead(text: string): ResponseHead {
  const line = STATUS_LINE.exec(text);
  if (line === null || !isFieldValue(line[3] ?? "")) {
    throw new MalformedResponse("its response has no valid status line");
  }
  const status = Number(line[2]);
  const fields = parseFields(text, line[0].length);
  let length: number | undefined;
  let isChunked = false;
  let connection: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const value = fields[i + 1]!;
    switch (fields[i]) {
      case "content-length":
        if (length !== undefined) throw new MalformedResponse("its response has two lengths");
        if (!LENGTH.test(value)) throw new MalformedResponse("the length of its response is no number");
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
    }
  }
  if (isChunked && length !== undefined) {
    throw new MalformedResponse("its response has both a length and a transfer encoding");
  }
  const headers = forClient(fields, status, connection);
  if (status === 205 && length === undefined && !isChunked) {
    // Deno sends 205 without saying that no body follows, and keeps the connection open.
    headers.push("content-length", "0");
    return { status, headers, length: 0, keepsAlive: false };
  }
  const keepsAlive =
    line[1] === "1" ? connection === undefined || !CLOSE.test(connection) : KEEP_ALIVE.test(connection ?? "");
  return { status, headers, length: isChunked ? CHUNKED : (length ?? UNTIL_CLOSE), keepsAlive };
}

function forClient(fields: readonly string[], status: number, connection: string | undefined): string[] {
  const named = connectionNames(connection);
  const headers: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (named?.has(name) || (isStripped(name) && !isMark(name, fields[i + 1]!, status))) continue;
    // A length that stands for no body (RFC 9110 8.6) makes some clients wait for one.
    if (status === 204 && name === "content-length") continue;
    headers.push(name, fields[i + 1]!);
  }
  return headers;
}
