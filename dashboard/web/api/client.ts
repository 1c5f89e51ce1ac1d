import { credential, signOut } from "../session/credential.ts";
import { problemFrom, unreachable } from "./problem.ts";

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface SendOptions {
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly body?: BodyInit;
  readonly signal?: AbortSignal;
}

/** The public API of Skiff, below `/api` of this origin. Every method throws `ApiProblem`, or `AbortError`. */
export const api = {
  async get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
    const response = await request("GET", path, { ...(query && { query }), ...(signal && { signal }) });
    return (await response.json()) as T;
  },

  /** Returns the body as JSON; undefined if it is not JSON. */
  async send<T = unknown>(method: string, path: string, options: SendOptions = {}): Promise<T> {
    const response = await request(method, path, options);
    const isJson = response.headers.get("content-type")?.includes("json") ?? false;
    return (isJson ? await response.json() : undefined) as T;
  },

  async text(path: string, query?: Query, signal?: AbortSignal): Promise<string> {
    const response = await request("GET", path, { ...(query && { query }), ...(signal && { signal }) });
    return await response.text();
  },

  /** The response itself, with its fields and its stream. */
  raw: request,
};

/** Sends a request with the credential of this page. */
export async function request(method: string, path: string, options: SendOptions = {}): Promise<Response> {
  const { query, headers, json, signal } = options;
  const body = json === undefined ? options.body : JSON.stringify(json);
  const type = json === undefined ? {} : { "content-type": "application/json" };
  const fields = { accept: "application/json", ...type, ...authorization(), ...headers };
  const init: RequestInit & { duplex?: "half" } = {
    ...{ method, headers: fields, redirect: "error", credentials: "omit", cache: "no-store" },
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  };
  const response = await fetch(`/api${path}${queryText(query)}`, init).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw unreachable(error);
  });
  if (response.ok) return response;
  const problem = await problemFrom(response);
  // The key was revoked or has expired.
  if (problem.status === 401) signOut();
  throw problem;
}

export function authorization(): Record<string, string> {
  const text = credential.value;
  return text === undefined ? {} : { authorization: `Bearer ${text}` };
}

function queryText(query: Query = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return [value].flat().map((each) => [name, String(each)]);
  });
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`;
}
