import { LRUCache } from "lru-cache";
import { loadBody, storeBody } from "../../calling/stored-bodies.ts";
import type { KeptBody, KeptValue } from "../../platform/flows/run/entry.ts";
import type { Missing, Payload } from "../../platform/flows/run/machine.ts";
import { isTooDeep, TOO_DEEP } from "../../platform/flows/run/values/depth.ts";
import { type Bodies, EMPTY_BODY, INLINE_BYTES, type StoredBody } from "../../store/bodies.ts";
import { Turns } from "./runs/turns.ts";

/** Values that are held for the next expression, in bytes of their JSON. */
const CACHED_BYTES = 64 * 1024 * 1024;
/** Of a list that is written. */
const PART_CHARACTERS = 64 * 1024;
const JSON_TYPE = "application/json";
const TEXT_TYPE = "text/plain; charset=utf-8";

export interface ValuesOptions {
  readonly bodies: Bodies;
  /** Most bytes of a value that expressions read. */
  readonly mostBytes: number;
}

/** A body as it is sent or published. */
export interface Sendable {
  readonly body: StoredBody;
  /** Absent for no body. */
  readonly type?: string;
}

/** JSON that is no value of a flow. The message goes on after its subject. */
export class TooDeep extends Error {
  constructor() {
    super(`is ${TOO_DEEP}: make it flatter, or send it with another type than JSON`);
  }
}

/** Keeps values of runs: small ones in entries, others as bodies. */
export class Values {
  readonly #options: ValuesOptions;
  readonly #turns = new Turns();
  readonly #cache = new LRUCache<string, { json: unknown }>({ maxSize: CACHED_BYTES });

  constructor(options: ValuesOptions) {
    this.#options = options;
  }

  /** Keeps a value of JSON. */
  async keep(json: unknown): Promise<KeptValue> {
    const text = await this.#textOf(json);
    // A character has at least one byte and at most three in UTF-8.
    if (text.length * 3 <= INLINE_BYTES) return { json };
    const bytes = Buffer.from(text);
    if (bytes.length <= INLINE_BYTES) return { json };
    const stored = await storeBody(this.#options.bodies, bytes);
    if ("inline" in stored) return { json };
    this.#cache.set(stored.id, { json }, { size: stored.bytes });
    return { body: stored.id, bytes: stored.bytes, type: JSON_TYPE };
  }

  /** Moves a value out of the entry that has it if it is large. */
  async movedOut(value: KeptValue): Promise<KeptValue> {
    if ("body" in value) return value;
    const kept = await this.keep(value.json);
    return "json" in kept ? value : { ...kept, ...sentAs(value.sentAs) };
  }

  /**
   * Keeps what a function answered or a client sent: JSON and texts as values, everything else, and what is longer than expressions
   * read, as a body that can be handed on whole. JSON that does not parse is a text.
   * @param type media type; absent without one
   * @throws TooDeep
   */
  async keepBody(body: StoredBody, type: string | undefined): Promise<KeptValue> {
    const bytes = "inline" in body ? body.inline.length : body.bytes;
    if (bytes === 0) return { json: null };
    const kind = kindOf(type);
    if (kind === "other" || bytes > this.#options.mostBytes) return this.#handedOn(body, type);
    if (kind === "json" && "id" in body) return this.#large(body);
    const text = Buffer.from(await loadBody(this.#options.bodies, body)).toString();
    const value = kind === "json" ? parsed(text) : text;
    const kept = "inline" in body ? { json: value } : await this.keep(value);
    if ("id" in body) await this.#options.bodies.remove(body);
    const media = kind === "json" ? textMediaOf(value, text) : mediaOf(type);
    return { ...kept, ...sentAs(media) };
  }

  /** The value of a body that was loaded; undefined if it was not, or is not held any more. */
  cached(body: KeptBody): { readonly json: unknown } | undefined {
    return this.#cache.get(body.body);
  }

  /** @throws Problem if the store is away; TooDeep; Error if the body is gone */
  async load(body: Missing): Promise<{ readonly json: unknown }> {
    const held = this.#cache.get(body.body);
    if (held !== undefined) return held;
    if (body.list !== undefined) {
      const made = { json: await this.#made(body.list) };
      this.#cache.set(body.body, made, { size: 1_000 });
      return made;
    }
    const bytes = await loadBody(this.#options.bodies, { id: body.body, bytes: body.bytes });
    const loaded = { json: parsed(Buffer.from(bytes).toString()) };
    this.#cache.set(body.body, loaded, { size: Math.max(1, body.bytes) });
    return loaded;
  }

  /** A text is sent as what it came as, or as plain text, everything else as JSON, and a body as what it is. */
  async sendable(payload: Payload): Promise<Sendable> {
    if (payload === "none") return { body: EMPTY_BODY };
    const isWhole =
      "body" in payload && (payload.type !== JSON_TYPE || payload.bytes > this.#options.mostBytes);
    if (isWhole) return { body: { id: payload.body, bytes: payload.bytes }, type: payload.type };
    // A large text is kept as JSON too.
    const { json } = "json" in payload ? payload : await this.load(payload);
    const isText = typeof json === "string" && payload.sentAs !== JSON_TYPE;
    const type = !isText
      ? JSON_TYPE
      : payload.sentAs === undefined
        ? TEXT_TYPE
        : `${payload.sentAs}; charset=utf-8`;
    if ("body" in payload && !isText) return { body: { id: payload.body, bytes: payload.bytes }, type };
    const text = isText ? json : await this.#textOf(json);
    return { body: { inline: Buffer.from(text) }, type };
  }

  /** Many calls of a moment may hand on the same large value. */
  #textOf(json: unknown): string | Promise<string> {
    return this.#turns.run(() => JSON.stringify(json ?? null));
  }

  /** One value after the other: all of them may be more than fits into memory. */
  async #made(list: readonly KeptValue[]): Promise<KeptValue> {
    const stored = await this.#options.bodies.write(this.#partsOf(list), Number.MAX_SAFE_INTEGER);
    if ("id" in stored) return { body: stored.id, bytes: stored.bytes, type: JSON_TYPE };
    return { json: JSON.parse(Buffer.from(stored.inline).toString()) };
  }

  async *#partsOf(list: readonly KeptValue[]): AsyncIterable<Uint8Array> {
    let text = "[";
    for (const [index, value] of list.entries()) {
      text += (index === 0 ? "" : ",") + JSON.stringify(await this.#shown(value));
      if (text.length < PART_CHARACTERS) continue;
      yield Buffer.from(text);
      text = "";
    }
    yield Buffer.from(`${text}]`);
  }

  /** As lists show it to expressions. */
  async #shown(value: KeptValue): Promise<unknown> {
    if ("json" in value) return value.json ?? null;
    const { type, bytes } = value;
    return type === JSON_TYPE && bytes <= this.#options.mostBytes
      ? (await this.load(value)).json
      : { type, bytes };
  }

  /** JSON that is stored as it came, unless it does not parse. */
  async #large(body: Extract<StoredBody, { id: string }>): Promise<KeptValue> {
    const kept: KeptBody = { body: body.id, bytes: body.bytes, type: JSON_TYPE };
    const text = Buffer.from(await loadBody(this.#options.bodies, body)).toString();
    const json = await this.#parsedOf(body, text);
    this.#cache.set(kept.body, { json }, { size: kept.bytes });
    return { ...kept, ...sentAs(textMediaOf(json, text)) };
  }

  /** Nothing refers to a body that is no value. */
  async #parsedOf(body: Extract<StoredBody, { id: string }>, text: string): Promise<unknown> {
    try {
      return parsed(text);
    } catch (error) {
      await this.#options.bodies.remove(body);
      throw error;
    }
  }

  async #handedOn(body: StoredBody, type = "application/octet-stream"): Promise<KeptValue> {
    const stored = "id" in body ? body : await this.#stored(body.inline);
    return { body: stored.id, bytes: stored.bytes, type };
  }

  async #stored(bytes: Uint8Array): Promise<Extract<StoredBody, { id: string }>> {
    async function* parts() {
      yield bytes;
    }
    const stored = await this.#options.bodies.write(parts(), bytes.length);
    if ("id" in stored) return stored;
    throw new Error("The store kept a body in no file of its own.");
  }
}

function kindOf(type: string | undefined): "json" | "text" | "other" {
  const [media = ""] = (type ?? "").toLowerCase().split(";");
  if (/^application\/(?:[^;]+\+)?json\s*$/.test(media)) return "json";
  return /^text\//.test(media) ? "text" : "other";
}

function mediaOf(type = ""): string | undefined {
  const [media = ""] = type.toLowerCase().split(";");
  return media.trim() === "text/plain" ? undefined : media.trim();
}

/** What JSON is sent as if it is a text. One that does not parse is itself. */
function textMediaOf(value: unknown, text: string): string | undefined {
  return typeof value === "string" && value !== text ? JSON_TYPE : undefined;
}

function sentAs(media: string | undefined): { readonly sentAs?: string } {
  return media === undefined ? {} : { sentAs: media };
}

/** @throws TooDeep */
function parsed(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  if (isTooDeep(value)) throw new TooDeep();
  return value;
}
