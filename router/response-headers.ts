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
