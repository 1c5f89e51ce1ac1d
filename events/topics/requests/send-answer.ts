import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { bytesOf } from "../../../calling/stored-bodies.ts";
import { fieldOf, fieldsWithout } from "../../../http/fields.ts";
import type { Bodies } from "../../../store/bodies.ts";
import type { Answer } from "../../../store/call.ts";

export interface SendOptions {
  readonly bodies: Pick<Bodies, "read">;
  /** That of the answer by default. */
  readonly status?: number;
  /** Sent besides those of the answer. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Statuses whose responses have no body (RFC 9110 6.4.1). */
const WITHOUT_BODY = new Set([204, 304]);

/** Hands on what a function answered. */
export async function sendAnswer(
  response: ServerResponse,
  { status, headers, body }: Answer,
  { bodies, status: shown = status, headers: own }: SendOptions,
): Promise<void> {
  const fields = fieldsWithout(headers, (name) => name === "content-length");
  // A HEAD has the length of what a GET would bring.
  const length = fieldOf(headers, "content-length");
  const isHead = response.req.method === "HEAD";
  if (!WITHOUT_BODY.has(shown)) {
    if (!isHead) fields.push("content-length", String(bytesOf(body)));
    else if (length !== undefined) fields.push("content-length", length);
  }
  for (const [name, value] of Object.entries(own)) fields.push(name, value);
  response.writeHead(shown, fields);
  if ("inline" in body || isHead) response.end("inline" in body && !isHead ? body.inline : undefined);
  else await pipeline(Readable.from(bodies.read(body)), response);
}
