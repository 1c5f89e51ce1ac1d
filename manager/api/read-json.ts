import type { IncomingMessage } from "node:http";
import { readBody } from "../../http/body/read-body.ts";
import { Problem } from "../../platform/problems.ts";

export interface JsonLimits {
  readonly maxBytes: number;
  /** Media types besides `application/json`. */
  readonly types?: readonly string[];
}

/**
 * Reads a body of JSON. The form that `curl -d` declares by default is accepted as well.
 * @throws Problem `invalid_request`, `unsupported_media_type`, and those of `readBody`
 */
export async function readJson(
  request: IncomingMessage,
  { maxBytes, types = [] }: JsonLimits,
): Promise<unknown> {
  const type = /^[^;\s]*/.exec(request.headers["content-type"] ?? "")![0].toLowerCase();
  const accepted = ["application/json", ...types, "application/x-www-form-urlencoded", ""];
  if (!accepted.includes(type)) {
    const detail = `${type.slice(0, 40)} is not accepted: send JSON with Content-Type application/json.`;
    throw new Problem("unsupported_media_type", detail);
  }
  const advice = "send less.";
  const body = await readBody(request, { maxBytes, tooLarge: "body_too_large", advice });
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as unknown;
  } catch (error) {
    throw new Problem("invalid_request", `The body is not JSON: ${(error as Error).message.slice(0, 200)}.`);
  }
}
