import { credential, ended } from "../session/credential.ts";
import { renew } from "../session/renew.ts";
import { ApiProblem, problemFrom, unreachable } from "./problem.ts";

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface SendOptions {
  readonly query?: Query | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly body?: BodyInit;
  readonly signal?: AbortSignal | undefined;
}

/** The public API of Skiff, below `/api` of this origin. Every method throws `ApiProblem`, or `AbortError`. */
export const api = {
  async get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
    return await within("GET", path, { query, signal }, async (response) => (await response.json()) as T);
  },

  /** Returns the body as JSON; undefined if it is not JSON. */
  async send<T = unknown>(method: string, path: string, options: SendOptions = {}): Promise<T> {
    return await within(method, path, options, async (response) => {
      const isJson = response.headers.get("content-type")?.includes("json") ?? false;
      return (isJson ? await response.json() : undefined) as T;
    });
  },

  async text(path: string, query?: Query, signal?: AbortSignal): Promise<string> {
    return await within("GET", path, { query, signal }, (response) => response.text());
  },

  /** The response itself, with its fields and its stream; without a deadline. */
  raw: request,
};

/** A deploy builds and starts; a change of a secret starts the functions that use it. */
function deadlineMs(method: string, path: string): number {
  if (method === "GET") return 30_000;
  return /^\/(func|secret)\b/.test(path) ? 900_000 : 60_000;
}

/** Requests and reads within a deadline: a connection that is dead without a word does not wait for ever. */
async function within<T>(
  method: string,
  path: string,
  { signal, ...options }: SendOptions,
  read: (response: Response) => Promise<T>,
): Promise<T> {
  const late = AbortSignal.timeout(deadlineMs(method, path));
  const either = signal === undefined ? late : AbortSignal.any([signal, late]);
  try {
    return await read(await request(method, path, { ...options, signal: either }));
  } catch (error) {
    throw late.aborted && !signal?.aborted ? unreachable(new Error("no answer in time")) : error;
  }
}

/** Sends a request with the credential of this page. */
export async function request(method: string, path: string, options: SendOptions = {}): Promise<Response> {
  const { query, headers, json, signal } = options;
  const body = json === undefined ? options.body : JSON.stringify(json);
  const type = json === undefined ? {} : { "content-type": "application/json" };
  const send = () => {
    const fields = { accept: "application/json", ...type, ...authorization(), ...headers };
    const init: RequestInit = {
      ...{ method, headers: fields, redirect: "error", credentials: "omit", cache: "no-store" },
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    };
    return fetch(`/api${path}${queryText(query)}`, init).catch((error: unknown) => {
      if (signal?.aborted) throw error;
      throw unreachable(error);
    });
  };
  const response = await (headers?.authorization === undefined ? withCredential(send) : send());
  if (response.ok) return response;
  throw await problemFrom(response);
}

/**
 * Sends with the credential of this page, and once more with a newer one if the API refuses it. If there is none, or the
 * API refuses that too, the session has ended: nothing is sent before somebody signs in again.
 */
export async function withCredential(send: () => Promise<Response>): Promise<Response> {
  if (ended.value !== undefined) {
    throw new ApiProblem(401, { code: "unauthorized", title: "Sign in again", detail: ended.value });
  }
  let text = credential.value;
  let response = await send();
  if (response.status !== 401 || text === undefined) return response;
  if (await renew(text)) {
    text = credential.value;
    response = await send();
    if (response.status !== 401 || text === undefined) return response;
  }
  // Another one may have taken its place meanwhile.
  if (credential.value === text) ended.value = (await problemFrom(response.clone())).message;
  return response;
}

export function authorization(): { authorization?: string } {
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
