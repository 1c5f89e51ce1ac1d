import type { IncomingMessage } from "node:http";
import { WITHHELD_FIELDS } from "../../../http/fields.ts";
import { Problem } from "../../../platform/problems.ts";
import { isRecord } from "../../../platform/settings/invalid-setting.ts";

/** One call that the page wants to make. */
export interface Attempt {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn. */
  readonly fields: readonly string[];
  /** The credential of the page goes along as `x-skiff-key`, which no function gets. */
  readonly withKey: boolean;
}

const FIELD = "x-skiff-try";
const METHOD = /^[A-Za-z][A-Za-z-]{0,19}$/;
/** They ask for another protocol, or send the request back. */
const REFUSED_METHODS = new Set(["CONNECT", "TRACE"]);
/** Paths of the API that functions answer. */
const PATH =
  /^\/(?:(?:async\/)?fn\/[a-z][-a-z0-9]*(?:@\d+)?(?=[/?]|$)|topic\/[^/?]+\/call\/?(?=\?|$)|flow\/[^/?]+\/http(?=[/?]|$))/;
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const WITHHELD = new Set(
  [...WITHHELD_FIELDS, "Host", "Content-Length", "X-Real-IP", "Via"].map((name) => name.toLowerCase()),
);
/** Most bytes of the fields of an answer in its envelope: browsers limit a header block to 256 KiB. */
const ANSWER_BYTES = 96 * 1024;

/** @throws Problem `invalid_request` */
export function readAttempt({ headersDistinct }: IncomingMessage): Attempt {
  const [text = "", ...others] = headersDistinct[FIELD] ?? [];
  if (text === "" || others.length > 0) throw invalid("send one, base64url of JSON");
  const { method, path, headers = [], withKey = false } = parse(text);
  if (typeof method !== "string" || !METHOD.test(method) || REFUSED_METHODS.has(method.toUpperCase()))
    throw invalid("method is not the method of a call");
  if (typeof path !== "string" || !PATH.test(path))
    throw invalid("path must begin with /fn/NAME, /async/fn/NAME, /topic/NAME/call or /flow/NAME/http");
  if (!Array.isArray(headers)) throw invalid("headers must be a list of names and values");
  const fields = headers.flatMap((pair: unknown) => {
    const [name, value] = Array.isArray(pair) ? (pair as unknown[]) : [];
    if (typeof name !== "string" || typeof value !== "string" || !NAME.test(name))
      throw invalid("headers must be a list of names and values");
    // In UTF-8, as curl sends them.
    return WITHHELD.has(name.toLowerCase()) ? [] : [name, Buffer.from(value).toString("latin1")];
  });
  return { method, path, fields, withKey: withKey === true };
}

/** Returns status and fields of an answer, as the page gets them. Fields that are too many are counted only. */
export function answerEnvelope({ statusCode, rawHeaders }: IncomingMessage, firstByteMs: number): string {
  const headers: [string, string][] = [];
  let [bytes, omitted] = [0, 0];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at]!, rawHeaders[at + 1]!];
    bytes += name.length + value.length + 8;
    if (bytes > ANSWER_BYTES) omitted++;
    else headers.push([name, value]);
  }
  const answer = { status: statusCode, headers, firstByteMs, ...(omitted > 0 ? { omitted } : {}) };
  return Buffer.from(JSON.stringify(answer)).toString("base64url");
}

function parse(text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, "base64url").toString());
  } catch {
    throw invalid("it is not base64url of JSON");
  }
  if (!isRecord(value)) throw invalid("it is not a JSON object");
  return value;
}

function invalid(what: string): Problem {
  return new Problem("invalid_request", `The header ${FIELD} is not valid: ${what}.`);
}
