import { type Attributes, checkAttributes, invalidEvent, shorten } from "./attributes.ts";
import type { ReceivedEvent } from "./received-event.ts";

/**
 * The JSON format of CloudEvents 1.0.2. Not the package `cloudevents`: it reads binary data as words of four bytes, and
 * JSON data anew, which changes large numbers.
 */

const JSON_TYPE = /^[^;]+[/+]json(\s*;|\s*$)/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/;
/** Most events of a batch. */
export const MOST_OF_BATCH = 1_000;

/**
 * Reads an event, or a batch of events, with all attributes.
 * @throws Problem `invalid_request`
 */
export function readJsonEvents(mode: "structured" | "batch", body: Uint8Array): readonly ReceivedEvent[] {
  const given = parse(body);
  if (mode === "structured") return [eventOf(given, "The event")];
  if (!Array.isArray(given) || given.length === 0)
    throw invalidEvent("A batch is a JSON array of events: send at least one.");
  if (given.length > MOST_OF_BATCH) {
    throw invalidEvent(`A batch may have ${MOST_OF_BATCH} events, and this has ${given.length}: split it.`);
  }
  return given.map((event, index) => eventOf(event, `Event ${index} of the batch`));
}

function parse(body: Uint8Array): unknown {
  try {
    // Numbers that would change stay as they were written.
    return JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(body),
      (_, value, context?: { source?: string }) =>
        typeof value === "number" && context?.source !== undefined && String(value) !== context.source
          ? rawJson(context.source)
          : value,
    );
  } catch (error) {
    throw invalidEvent(`The body is not valid JSON in UTF-8: ${shorten((error as Error).message)}.`);
  }
}

/** The type library does not know it yet. */
function rawJson(source: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(source);
}

function eventOf(given: unknown, what: string): ReceivedEvent {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw invalidEvent(`${what} is not a JSON object: send one with specversion, id, source and type.`);
  }
  const { specversion, data, data_base64: base64, ...rest } = given as Record<string, unknown>;
  if (specversion !== "1.0") throw invalidEvent(`${what} has no specversion "1.0": send it.`);
  const texts = Object.entries(rest).filter(([, value]) => value !== null);
  const all = Object.fromEntries(texts.map(([name, value]) => [name, textOf(name, value, what)]));
  for (const name of ["id", "source", "type"]) {
    if (typeof rest[name] !== "string") throw invalidEvent(`${what} has no ${name}: give it one as a text.`);
  }
  const { attributes, bytes } = dataOf({ data, base64 }, all, what);
  checkAttributes(attributes);
  const { id, source, type, ...others } = attributes as { id: string; source: string; type: string };
  return { id, source, type, attributes: others, data: bytes };
}

function textOf(name: string, value: unknown, what: string): string {
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || Number.isSafeInteger(value)) return String(value);
  const rule = "use a text, a whole number, true or false";
  throw invalidEvent(`${what} has a value of ${shorten(name)} that is none of an attribute: ${rule}.`);
}

function dataOf(
  { data, base64 }: { readonly data: unknown; readonly base64: unknown },
  attributes: Attributes,
  what: string,
): { readonly attributes: Attributes; readonly bytes: Uint8Array } {
  if (base64 !== undefined && base64 !== null) {
    if (data !== undefined) throw invalidEvent(`${what} has both data and data_base64: send one of them.`);
    if (typeof base64 !== "string" || !BASE64.test(base64))
      throw invalidEvent(`${what} has a data_base64 that is not valid Base64: encode it anew.`);
    return { attributes, bytes: Buffer.from(base64, "base64") };
  }
  if (data === undefined) return { attributes, bytes: new Uint8Array() };
  const { datacontenttype = "application/json" } = attributes;
  const isText = typeof data === "string" && !JSON_TYPE.test(datacontenttype);
  const text = isText ? data : JSON.stringify(data);
  return { attributes: { ...attributes, datacontenttype }, bytes: Buffer.from(text) };
}
