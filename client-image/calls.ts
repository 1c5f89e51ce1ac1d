import { type Context, type Handler, toResponse } from "./handler.ts";
import { CALL_ID_HEADER, PROBE_HEADER, VERSION_HEADER } from "./start-message.ts";

/** What Deno knows about a call besides the request. */
type Info = Pick<Deno.ServeHandlerInfo, "completed">;

/** Answers calls with a handler, and knows which work is not finished yet. */
export class Calls {
  readonly #function: Context["function"];
  readonly #background = new Set<Promise<unknown>>();

  constructor(described: Context["function"]) {
    this.#function = Object.freeze({ ...described });
  }

  /** One call from request to response. Errors of the function become a 500 without a stack. */
  async answer(handler: Handler, request: Request, info: Info): Promise<Response> {
    if (request.headers.has(PROBE_HEADER)) {
      const headers = { [VERSION_HEADER]: String(this.#function.version) };
      return new Response(null, { status: 204, headers });
    }
    try {
      const value = handler(request, this.#context(request, info));
      return toResponse(value instanceof Response ? value : await value);
    } catch (error) {
      return this.#failed(error, request.headers.get(CALL_ID_HEADER) ?? "");
    }
  }

  /** Resolves when what `waitUntil` was given has settled. */
  async settled(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  #context(request: Request, info: Info): Context {
    const waitUntil = (promise: Promise<unknown>) => {
      const tracked = Promise.resolve(promise)
        .catch((error) => console.error("waitUntil:", error))
        .finally(() => this.#background.delete(tracked));
      this.#background.add(tracked);
    };
    return {
      waitUntil,
      function: this.#function,
      get callId() {
        return request.headers.get(CALL_ID_HEADER) ?? "";
      },
      get signal() {
        return request.signal;
      },
      get remoteAddr() {
        const hostname = request.headers.get("x-forwarded-for")?.split(",").at(-1)?.trim() ?? "";
        return { transport: "tcp" as const, hostname, port: 0 };
      },
      get completed() {
        return info.completed;
      },
    };
  }

  #failed(error: unknown, callId: string): Response {
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
      },
    });
  }
}
