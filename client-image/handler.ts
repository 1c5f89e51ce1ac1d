import { BUSY_HEADER } from "./start-message.ts";

/** The second argument of a function. */
export interface Context {
  /** Keeps the instance alive until the promise settles, also after the response. */
  waitUntil(promise: Promise<unknown>): void;
  readonly callId: string;
  readonly function: { readonly name: string; readonly version: number };
  /** Aborts when the client disconnects. */
  readonly signal: AbortSignal;
  /** Address of the client, in the form of Deno.serve's second argument. */
  readonly remoteAddr: { readonly transport: "tcp"; readonly hostname: string; readonly port: number };
  /** Resolves when the response was delivered, and rejects if it cannot be delivered. */
  readonly completed: Promise<void>;
  /** The path before that of `request.url`, such as `/fn/NAME`; empty at the root of a host. For links and redirects. */
  readonly basePath: string;
}

export type Handler = (request: Request, context: Context) => unknown;

/**
 * Returns the handler in a module's default export: a function, or an object with `fetch`, such as a Hono application.
 * Undefined if there is none. A class counts as none, because every call of it would fail.
 */
export function exportedHandler(exported: unknown): Handler | undefined {
  if (typeof exported === "object" && exported !== null && "fetch" in exported) {
    const app = exported as { fetch: unknown };
    if (typeof app.fetch !== "function") return undefined;
    // Workers pass (request, env, context), Deno passes (request, info). The context serves as all three.
    return (request, context) => (app.fetch as (...args: unknown[]) => unknown)(request, context, context);
  }
  if (typeof exported !== "function" || /^class\b/.test(Function.prototype.toString.call(exported))) return;
  return exported as Handler;
}

/** Converts the result of a handler to a Response: text, bytes, a stream, nothing, or JSON. */
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

/** Removes the header with which the router would take the response for a refusal and repeat the call. */
function withoutBusy(response: Response): Response {
  if (!response.headers.has(BUSY_HEADER)) return response;
  const { status, statusText } = response;
  const headers = new Headers(response.headers);
  headers.delete(BUSY_HEADER);
  return new Response(response.body, { status, statusText, headers });
}
