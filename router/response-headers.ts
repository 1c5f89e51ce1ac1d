import type { IncomingHttpHeaders } from "node:http";
import { connectionNames } from "./request-headers.ts";

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

/** False for what frames a message or is ours to say, which has no place in trailers (RFC 9110 6.5.1). */
export function isTrailer(name: string): boolean {
  return name !== "content-length" && !isStripped(name);
}

/**
 * The header fields of a response as the client gets them: names and values in turn, repeated ones
 * (`set-cookie`) repeated.
 */
export function responseHeaders(headers: Readonly<IncomingHttpHeaders>, callId: string): string[] {
  const named = connectionNames(headers.connection);
  const out: string[] = [];
  for (const name in headers) {
    if (isStripped(name) || named?.has(name)) continue;
    const value = headers[name];
    if (typeof value === "string") out.push(name, value);
    else if (value !== undefined) for (const each of value) out.push(name, each);
  }
  out.push("x-skiff-call-id", callId);
  return out;
}
