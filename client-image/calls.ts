import { type Context, type Handler, toResponse } from "./handler.ts";
import { CALL_ID_HEADER, PROBE_HEADER, PROBE_PATH, VERSION_HEADER } from "./start-message.ts";

/** What Deno knows about a call besides the request. */
type Info = Pick<Deno.ServeHandlerInfo, "completed">;

const CALLS = Symbol("calls");
const REQUEST = Symbol("request");
const INFO = Symbol("info");

/**
 * What a handler gets besides the request. A class, because an object of getters would be built anew by every call. Its fields
 * are not private ones: what is derived from it (`Object.create`, a proxy), as libraries do, has none of those.
 */
class CallContext implements Context {
  readonly function: Context["function"];
  readonly [CALLS]: Calls;
  readonly [REQUEST]: Request;
  readonly [INFO]: Info;

  constructor(calls: Calls, request: Request, info: Info) {
    this.function = calls.function;
    this[CALLS] = calls;
    this[REQUEST] = request;
    this[INFO] = info;
  }

  /** May be taken off the context and called by itself. */
  get waitUntil() {
    return (promise: Promise<unknown>) => this[CALLS].keep(promise);
  }

  get callId() {
    return this[REQUEST].headers.get(CALL_ID_HEADER) ?? "";
  }

  get signal() {
    return this[REQUEST].signal;
  }

  get remoteAddr() {
    const hostname = this[REQUEST].headers.get("x-forwarded-for")?.split(",").at(-1)?.trim() ?? "";
    return { transport: "tcp" as const, hostname, port: 0 };
  }

  get completed() {
    return this[INFO].completed;
  }
}

/** Answers calls with a handler, and knows which work is not finished yet. */
export class Calls {
  readonly function: Context["function"];
  readonly #background = new Set<Promise<unknown>>();

  constructor(described: Context["function"]) {
    this.function = Object.freeze({ ...described });
  }

  /** One call from request to response. Errors of the function become a 500 without a stack. */
  answer(handler: Handler, request: Request, info: Info): Response | Promise<Response> {
    if (request.url.endsWith(PROBE_PATH) && request.headers.has(PROBE_HEADER)) {
      const headers = { [VERSION_HEADER]: String(this.function.version) };
      return new Response(null, { status: 204, headers });
    }
    try {
      const value = handler(request, new CallContext(this, request, info));
      // Nothing to wait for: a tenth of what such a call costs.
      return value instanceof Response ? toResponse(value) : this.#answerLater(value, request);
    } catch (error) {
      return this.#failed(error, request);
    }
  }

  async #answerLater(value: unknown, request: Request): Promise<Response> {
    try {
      return toResponse(await value);
    } catch (error) {
      return this.#failed(error, request);
    }
  }

  /** Resolves when what `waitUntil` was given has settled. */
  async settled(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  /** Lets an instance end only after the promise has settled. */
  keep(promise: Promise<unknown>): void {
    const tracked = Promise.resolve(promise)
      .catch((error) => console.error("waitUntil:", error))
      .finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }

  #failed(error: unknown, request: Request): Response {
    const callId = request.headers.get(CALL_ID_HEADER) ?? "";
    console.error(`call ${callId} failed:`, error);
    const document = {
      type: "https://skiff.dev/problems/function_error",
      title: "The function threw an error",
      status: 500,
      detail: "The stack is in the function's log.",
      code: "function_error",
      callId,
    };
    return new Response(JSON.stringify(document), {
      status: 500,
      headers: {
        "content-type": "application/problem+json; charset=utf-8",
        "cache-control": "no-store",
        "x-skiff-error": "platform",
      },
    });
  }
}
