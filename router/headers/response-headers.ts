import type { IncomingHttpHeaders } from "node:http";
import { connectionNames } from "../exchange/request-head.ts";

/** Fields of an instance's response that end here (RFC 9110 7.6.1). */
const STRIPPED: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** What the router says of a call and of who answered it: believed, because an instance cannot say it. */
const OURS = "x-skiff-";

/** True if a field of that name, in lower case, does not go on to the client. */
export function isStripped(name: string): boolean {
  return STRIPPED.has(name) || name.startsWith(OURS);
}

/**
 * The mark of an answer that Skiff made is an instance's to set where it answers for a function that threw; so a function
 * can say it of its own 500 alone.
 */
export function isMark(name: string, value: string, status: number): boolean {
  return status === 500 && name === "x-skiff-error" && value === "platform";
}

/** False for what frames a message or is ours to say, which has no place in trailers (RFC 9110 6.5.1). */
export function isTrailer(name: string): boolean {
  return name !== "content-length" && !isStripped(name);
}

/**
 * The header fields of a response as the client gets them: names and values in turn, repeated ones
 * (`set-cookie`) repeated.
 */
export function responseHeaders(
  headers: Readonly<IncomingHttpHeaders>,
  status: number,
  callId: string,
): string[] {
  const named = connectionNames(headers.connection);
  const out: string[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (named?.has(name) || (isStripped(name) && !isMark(name, String(value), status))) continue;
    if (typeof value === "string") out.push(name, value);
    else if (value !== undefined) for (const each of value) out.push(name, each);
  }
  out.push("x-skiff-call-id", callId);
  return out;
}
