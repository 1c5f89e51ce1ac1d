import type { NewEvent } from "../../store/event.ts";
import { checkAttributes, invalidEvent, shorten } from "./attributes.ts";
import { decodeHeaderValue, encodeHeaderValue } from "./header-values.ts";
import type { EventContext } from "./received-event.ts";

/** How a message carries events (CloudEvents 1.0.2, HTTP protocol binding). `plain`: it is data without attributes. */
export type EventMode = "binary" | "structured" | "batch" | "plain";

/** Names in lower case; repeated fields are joined. */
export type MessageHeaders = Readonly<Record<string, string | undefined>>;

const BATCH = /^application\/cloudevents-batch(\+json)?\s*(;|$)/i;
const STRUCTURED = /^application\/cloudevents(\+json)?\s*(;|$)/i;
const OTHER_FORMAT = /^application\/cloudevents/i;

/** @throws Problem `invalid_request` for a format other than JSON */
export function eventMode(headers: MessageHeaders): EventMode {
  const type = headers["content-type"] ?? "";
  if (BATCH.test(type)) return "batch";
  if (STRUCTURED.test(type)) return "structured";
  if (OTHER_FORMAT.test(type))
    throw invalidEvent(`"${shorten(type)}" is a format that Skiff does not read: send events as JSON.`);
  return headers["ce-specversion"] === undefined ? "plain" : "binary";
}

/** Attributes of a message whose `ce-` fields do not name them. */
export interface Defaults {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time?: string;
}

/**
 * Reads the context of an event in binary mode, or of plain data. The body of the message is its data.
 * @param defaults without them the message must name `id`, `source` and `type`
 * @throws Problem `invalid_request`
 */
export function readContext(headers: MessageHeaders, defaults?: Defaults): EventContext {
  const { "ce-specversion": version = "1.0", "content-type": datacontenttype } = headers;
  if (version !== "1.0") throw invalidEvent(`ce-specversion is "${shorten(version)}": use 1.0.`);
  if (headers["ce-datacontenttype"] !== undefined)
    throw invalidEvent("ce-datacontenttype is not a field of binary events: send content-type.");
  const attributes: Record<string, string> = { ...defaults };
  for (const [field, value] of Object.entries(headers)) {
    if (!field.startsWith("ce-") || field === "ce-specversion" || value === undefined) continue;
    const text = decodeHeaderValue(value);
    if (text === undefined) throw invalidEvent(`The header ${field} is not UTF-8: encode its bytes with %.`);
    attributes[field.slice(3)] = text;
  }
  if (datacontenttype !== undefined) attributes.datacontenttype = datacontenttype;
  checkAttributes(attributes);
  const { id, source, type, ...others } = attributes;
  if (id !== undefined && source !== undefined && type !== undefined) {
    return { id, source, type, attributes: others };
  }
  const missing = ["id", "source", "type"].find((name) => attributes[name] === undefined);
  throw invalidEvent(`The event has no ce-${missing}: send it.`);
}

/** Header fields of an event in binary mode, names and values in turn. Its data is the body. */
export function binaryHeaders(event: Pick<NewEvent, "id" | "source" | "type" | "attributes">): string[] {
  const { datacontenttype, ...attributes } = event.attributes;
  const { id, source, type } = event;
  const fields = Object.entries({ specversion: "1.0", id, source, type, ...attributes });
  const headers = fields.flatMap(([name, value]) => [`ce-${name}`, encodeHeaderValue(value)]);
  if (datacontenttype !== undefined) headers.push("content-type", datacontenttype);
  return headers;
}

/** Names and values in turn as an object with names in lower case. */
export function headersOf(fields: readonly string[]): MessageHeaders {
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at]!.toLowerCase();
    const before = Object.hasOwn(headers, name) ? `${headers[name]}, ` : "";
    headers[name] = before + fields[at + 1]!;
  }
  return headers;
}
