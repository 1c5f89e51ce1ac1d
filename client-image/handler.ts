import { BUSY_HEADER } from "./start-message.ts";

/** What a function receives besides the request. */
export interface Context {
  /** Keeps the instance alive until the promise settles, after the response was sent. */
  waitUntil(promise: Promise<unknown>): void;
  readonly callId: string;
  readonly function: { readonly name: string; readonly version: number };
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
  /** Where the call came from, in the form of Deno.serve's second argument. */
  readonly remoteAddr: { readonly transport: "tcp"; readonly hostname: string; readonly port: number };
  /** Resolves when the response was delivered, rejects when it could not be. */
  readonly completed: Promise<void>;
}

export type Handler = (request: Request, context: Context) => unknown;

/**
 * The handler in a module's default export: a function, or an object with `fetch` (which is also what a
 * Hono application is). Undefined if there is none.
 */
export function exportedHandler(exported: unknown): Handler | undefined {
  if (typeof exported === "object" && exported !== null && "fetch" in exported) {
    const app = exported as { fetch: unknown };
    if (typeof app.fetch !== "function") return undefined;
    // Workers pass (request, env, context), Deno (request, info): the context serves for all three.
    return (request, context) => (app.fetch as (...args: unknown[]) => unknown)(request, context, context);
  }
  return typeof exported === "function" && !isClass(exported) ? (exported as Handler) : undefined;
}

/** A class cannot be called: every call would fail, so that it does not start is the better news. */
function isClass(exported: unknown): boolean {
  return /^class\b/.test(Function.prototype.toString.call(exported));
}

/** The value that a function returned as a Response: text, bytes, a stream, nothing, or JSON. */
export function toResponse(value: unknown): Response {
  if (value instanceof Response) {
    // Deno would answer these with a text of its own.
    if (value.type === "error") throw new TypeError("The function returned Response.error()");
    if (value.bodyUsed) throw new TypeError("The function returned a Response whose body was read already");
    return value.status === 503 ? withoutBusy(value) : value;
  }
  if (value === undefined || value === null) return new Response(null, { status: 204 });
  if (typeof value === "string") return new Response(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof ReadableStream) {
    return new Response(value as BodyInit, { headers: { "content-type": "application/octet-stream" } });
  }
  if (value instanceof Blob || value instanceof FormData || value instanceof URLSearchParams) {
    return new Response(value);
  }
  return Response.json(value);
}

/** The router would take the header for a refusal and send the call again. Only a 503 pays for reading its headers. */
function withoutBusy(response: Response): Response {
  if (!response.headers.has(BUSY_HEADER)) return response;
  const { status, statusText } = response;
  const headers = new Headers(response.headers);
  headers.delete(BUSY_HEADER);
  return new Response(response.body, { status, statusText, headers });
}
