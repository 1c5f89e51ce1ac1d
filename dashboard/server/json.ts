import type { IncomingMessage, ServerResponse } from "node:http";
import { readBody } from "../../http/body/read-body.ts";
import { Problem } from "../../platform/problems.ts";
import { isRecord } from "../../platform/settings/invalid-setting.ts";

const BODY_BYTES = 16 * 1024;

/**
 * Reads a small JSON object from the body of a request.
 * @throws Problem `invalid_request`, `body_too_large`, `request_timeout`; ClientLeft
 */
export async function readMembers(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const limits = { maxBytes: BODY_BYTES, tooLarge: "body_too_large", advice: "send less." } as const;
  const text = (await readBody(request, limits)).toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Problem("invalid_request", `The body is not JSON: ${(error as Error).message.slice(0, 200)}.`);
  }
  if (isRecord(value)) return value;
  throw new Problem("invalid_request", "The body is not a JSON object.");
}

export function answerJson(response: ServerResponse, value: Readonly<Record<string, unknown>>): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  const type = "application/json; charset=utf-8";
  response.writeHead(200, { "content-type": type, "content-length": body.length }).end(body);
}
