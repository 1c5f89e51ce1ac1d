import { isTooDeep } from "../../../platform/flows/run/values/depth.ts";
import type { Bodies, StoredBody } from "../../../store/bodies.ts";
import type { StoredEvent } from "../../../store/topics.ts";

/** Data with more levels is not written as JSON: writing it, or reading it, could end the stack. */
const MOST_LEVELS = 1_000;

/** Returns an event with its position, and as CloudEvents write it in JSON (JSON event format 1.0). */
export async function eventDocument(event: StoredEvent, bodies: Bodies): Promise<Record<string, unknown>> {
  const { position, publishedAt, id, source, type, attributes, data, http } = event;
  const content = dataMembers(await bytesOf(data, bodies), attributes.datacontenttype);
  return {
    ...{ position, publishedAt: new Date(publishedAt) },
    // Its headers may have credentials.
    ...(http === undefined ? {} : { http: { method: http.method, path: http.path } }),
    event: { specversion: "1.0", id, source, type, ...attributes, ...content },
  };
}

async function bytesOf(body: StoredBody, bodies: Bodies): Promise<Uint8Array> {
  if ("inline" in body) return body.inline;
  return Buffer.concat(await Array.fromAsync(bodies.read(body)));
}

function dataMembers(bytes: Uint8Array, type = "application/json"): Record<string, unknown> {
  if (bytes.byteLength === 0) return {};
  const binary = { data_base64: Buffer.from(bytes).toString("base64") };
  const isJson = /^[^;\s]+[/+]json\s*(;|$)/i.test(type);
  if (!isJson && !/^text\//i.test(type)) return binary;
  const text = decode(bytes);
  if (text === undefined) return binary;
  if (!isJson) return { data: text };
  try {
    const data: unknown = JSON.parse(text);
    return isTooDeep(data, MOST_LEVELS) ? binary : { data };
  } catch {
    // The publisher declared a type that the data does not have.
    return binary;
  }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
