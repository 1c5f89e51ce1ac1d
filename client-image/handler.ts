import { fromForeign, isForeignResponse } from "./answers/foreign-response.ts";
import { nativeResponse } from "./answers/native-response.ts";
import { describeUnusable, unusable } from "./answers/unusable.ts";
import type { Context, Handler } from "./forms/context.ts";
import { eventHandler, takesEvent } from "./forms/respond-with.ts";
import { nodeApplication } from "./node/application.ts";
import { BUSY_HEADER } from "./start-message.ts";

export type { Context, Handler };

/** The variables that a function declares, by name. */
export type Variables = Readonly<Record<string, string>>;

/**
 * Returns the handler in a module's default export: a function, an object with `fetch`, such as a Hono application, or
 * an application for Node, such as one of Express. Undefined if there is none. A class counts as none, because every
 * call of it would fail.
 */
export function exportedHandler(exported: unknown, variables: Variables = {}): Handler | undefined {
  if (typeof exported === "object" && exported !== null && "fetch" in exported) {
    return fetchHandler(exported, variables);
  }
  const application = nodeApplication(exported);
  if (application) return application;
  if (typeof exported !== "function") return;
  const text = Function.prototype.toString.call(exported);
  if (/^class\b/.test(text)) return;
  return takesEvent(text) ? eventHandler(exported as Handler) : (exported as Handler);
}

/** Workers pass (request, env, context), Deno passes (request, info). The context serves as all three. */
function fetchHandler(exported: object, variables: Variables): Handler | undefined {
  const app = exported as { fetch: unknown };
  if (typeof app.fetch !== "function") return undefined;
  const call = (...args: unknown[]) => (app.fetch as (...args: unknown[]) => unknown)(...args);
  if (Object.keys(variables).length === 0) return (request, context) => call(request, context, context);
  let own: Variables | undefined;
  return (request, context) => {
    // The members of the context take precedence.
    own ??= Object.fromEntries(Object.entries(variables).filter(([name]) => !(name in context)));
    return call(request, Object.assign(Object.create(context), own), context);
  };
}

/** Converts the result of a handler to a Response: text, bytes, a stream, nothing, a foreign Response, or JSON. */
export function toResponse(value: unknown): Response {
  return value instanceof Response ? served(value) : converted(value, nativeResponse());
}

function served(response: Response): Response {
  // Deno would answer these with a text of its own.
  if (response.type === "error") throw new TypeError("The function returned Response.error()");
  if (response.bodyUsed) throw new TypeError("The function returned a Response whose body was read already");
  return response.status === 503 ? withoutBusy(response) : response;
}

function converted(value: unknown, Native: typeof Response): Response {
  if (value instanceof Native) return served(value);
  if (value === undefined || value === null) return new Native(null, { status: 204 });
  if (typeof value === "string") return new Native(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof ReadableStream) {
    return new Native(value as BodyInit, { headers: { "content-type": "application/octet-stream" } });
  }
  if (value instanceof Blob || value instanceof FormData || value instanceof URLSearchParams) {
    return new Native(value);
  }
  if (typeof value === "object" && isForeignResponse(value)) return served(fromForeign(value, Native));
  const what = describeUnusable(value);
  if (what !== undefined) throw unusable(value, what);
  return Native.json(value);
}

/** Removes the header with which the router would take the response for a refusal and repeat the call. */
function withoutBusy(response: Response): Response {
  if (!response.headers.has(BUSY_HEADER)) return response;
  const { status, statusText } = response;
  const headers = new Headers(response.headers);
  headers.delete(BUSY_HEADER);
  const Native = nativeResponse();
  return new Native(response.body, { status, statusText, headers });
}
