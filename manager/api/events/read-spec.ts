import type { IncomingMessage } from "node:http";
import type { Event } from "js-yaml";
import { readBody } from "../../../http/body/read-body.ts";
import { cronHint } from "../../../platform/events/cron-hint.ts";
import { Problem } from "../../../platform/problems.ts";

/** What programs declare for any text by default, and no type, leave the choice to the text. */
const ANY_TYPES = ["application/x-www-form-urlencoded", "text/plain", ""];
const YAML_TYPES = ["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"];
const MAX_DEPTH = 50;

/**
 * Reads a body of JSON or YAML.
 * @throws Problem `invalid_request`, `unsupported_media_type`, and those of `readBody`
 */
export async function readSpec(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const { text, type } = await readSpecText(request, maxBytes);
  const isJson = type === "application/json" || (ANY_TYPES.includes(type) && /^\s*[{[]/.test(text));
  return isJson ? parseJson(text) : await parseYaml(text);
}

/**
 * Reads a body of JSON or YAML as it was sent.
 * @throws Problem `invalid_request`, `unsupported_media_type`, and those of `readBody`
 */
export async function readSpecText(
  request: IncomingMessage,
  maxBytes: number,
): Promise<{ readonly text: string; readonly type: string }> {
  const type = /^[^;\s]*/.exec(request.headers["content-type"] ?? "")![0].toLowerCase();
  if (!["application/json", ...YAML_TYPES, ...ANY_TYPES].includes(type)) {
    const detail = `${type.slice(0, 40)} is not accepted: send JSON or YAML with Content-Type application/json or application/yaml.`;
    throw new Problem("unsupported_media_type", detail);
  }
  const advice = "make it smaller, or raise SKIFF_MAX_SPEC.";
  const body = await readBody(request, { maxBytes, tooLarge: "body_too_large", advice });
  return { text: decode(body), type };
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    // A replaced character would change a value.
    throw new Problem("invalid_request", "The body is not valid UTF-8: send it in that encoding.");
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Problem("invalid_request", `The body is not JSON: ${(error as Error).message.slice(0, 200)}.`);
  }
}

/** The library loads with the first use. */
async function parseYaml(text: string): Promise<unknown> {
  const { CORE_SCHEMA, constructFromEvents, EVENT_ID, parseEvents, YAMLException } = await import("js-yaml");
  try {
    const events = parseEvents(text, { maxDepth: MAX_DEPTH });
    // Each alias repeats a value, so that a short text could become a spec of any size.
    if (events.some(({ type }: Event) => type === EVENT_ID.ALIAS)) {
      throw new Problem("invalid_request", "The body has an alias of YAML (*name): write the value out.");
    }
    const [value = null, another] = constructFromEvents(events, { source: text, schema: CORE_SCHEMA });
    if (another === undefined) return value;
    throw new Problem("invalid_request", "The body has several documents of YAML: send one.");
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const { reason, mark } = error;
    const at = mark === undefined ? "" : ` in line ${mark.line + 1}, column ${mark.column + 1}`;
    throw new Problem(
      "invalid_request",
      `The body is not YAML: ${reason.slice(0, 200)}${at}.${cronHint(text)}`,
    );
  }
}
