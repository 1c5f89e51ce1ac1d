import type { OutgoingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import type { Place } from "../context/places.ts";
import { bytesOf, type HttpAnswer, send } from "./http.ts";
import { problemFrom } from "./problem.ts";

/** A deploy may wait for others, build and start. */
const DEADLINE_MS = 10 * 60_000;

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface ApiCall {
  readonly method?: string;
  readonly query?: Query;
  readonly headers?: OutgoingHttpHeaders;
  /** The field with the key; `authorization` by default. What a function may get must not have it there. */
  readonly keyField?: "authorization" | "x-skiff-key";
  /** Bytes and streams are sent as they are, everything else as JSON. */
  readonly body?: Uint8Array | Readable | object;
  /** Ends the call; without it the call ends after 10 minutes. */
  readonly signal?: AbortSignal;
}

/** The HTTP API of one Skiff. */
export class Api {
  readonly place: Place;

  constructor(place: Place) {
    this.place = place;
  }

  /** Returns the parsed answer. @throws ApiProblem for a status of 400 or above, Unreachable */
  async json<T>(path: string, call: ApiCall = {}): Promise<T> {
    const bytes = await bytesOf(await this.open(path, call));
    return (bytes.length === 0 ? {} : JSON.parse(bytes.toString())) as T;
  }

  /** Returns the answer as text. @throws like `json` */
  async text(path: string, call: ApiCall = {}): Promise<string> {
    return (await bytesOf(await this.open(path, call))).toString();
  }

  /** Returns the answer unread. @throws like `json` */
  async open(
    path: string,
    { method = "GET", query = {}, headers, keyField = "authorization", body, signal }: ApiCall,
  ): Promise<HttpAnswer> {
    const { key } = this.place;
    const isJson = body !== undefined && !(body instanceof Uint8Array || body instanceof Readable);
    const answer = await send({
      method,
      url: this.url(path, query),
      headers: {
        ...(isJson ? { "content-type": "application/json" } : {}),
        ...(key === undefined ? {} : { [keyField]: keyField === "authorization" ? `Bearer ${key}` : key }),
        ...headers,
      },
      body: isJson ? Buffer.from(JSON.stringify(body)) : (body as Uint8Array | Readable | undefined),
      signal: signal ?? AbortSignal.timeout(DEADLINE_MS),
    });
    if (answer.status < 300) return answer;
    const problem = problemFrom(answer.status, await bytesOf(answer));
    if (answer.status >= 400) throw problem;
    throw new Error(
      `${this.place.url} redirects to ${answer.headers.location}: use that address for Skiff instead.`,
    );
  }

  /** Returns every item of a list that is sent in pages. */
  async all<T>(path: string, member: string, query: Query = {}): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.json<Record<string, unknown>>(path, { query: { ...query, cursor } });
      items.push(...(page[member] as T[]));
      cursor = (page.next as string | null | undefined) ?? undefined;
    } while (cursor !== undefined);
    return items;
  }

  /** Percent-encodes every value, so that a space, a plus sign or an ampersand in one arrives as it is. */
  url(path: string, query: Query = {}): URL {
    const pairs = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [value].flat().map((each) => [name, String(each)] as const),
    );
    const text = pairs.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
    return new URL(`${this.place.url}${path}${text && `?${text}`}`);
  }
}
