import type { IncomingHttpHeaders } from "node:http";
import { connectionNames } from "./request-headers.ts";

/** Fields of an instance's response that end here (RFC 9110 7.6.1), and the call id, which is ours. */
const STRIPPED: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-skiff-call-id",
]);

/** True if a field of that name, in lower case, does not go on to the client. */
export function isStripped(name: string): boolean {
  return STRIPPED.has(name);
}

/** False for what frames a message, which has no place in trailers (RFC 9110 6.5.1). */
export function isTrailer(name: string): boolean {
  return name !== "content-length" && !STRIPPED.has(name);
}

/**
 * The header fields of a response as the client gets them: names and values in turn, repeated ones
 * (`set-cookie`) repeated.
 */
export function responseHeaders(headers: Readonly<IncomingHttpHeaders>, callId: string): string[] {
  const named = connectionNames(headers.connection);
  const out: string[] = [];
  for (const name in headers) {
    if (STRIPPED.has(name) || named?.has(name)) continue;
    const value = headers[name];
    if (typeof value === "string") out.push(name, value);
    else if (value !== undefined) for (const each of value) out.push(name, each);
  }
  out.push("x-skiff-call-id", callId);
  return out;
}
