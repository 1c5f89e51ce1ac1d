import { type Context, type Handler, toResponse } from "./handler.ts";
import type { Place, Places } from "./places.ts";
import type { RequestView } from "./request-view.ts";
import {
  BUSY_HEADER,
  CALL_ID_HEADER,
  GONE_HEADER,
  MOST_WAIT_MS,
  PLACE_HEADER,
  PROBE_HEADER,
  PROBE_PATH,
  VERSION_HEADER,
} from "./start-message.ts";

/** What Deno knows about a call besides the request. */
type Info = Pick<Deno.ServeHandlerInfo, "completed">;

const SWITCHING_PROTOCOLS = 101;

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

export interface CallsOptions {
  readonly function: Context["function"];
  readonly places: Places;
  readonly view: RequestView;
}

/** Answers calls with a handler, as many at a time as there are places, and knows which work is not finished yet. */
export class Calls {
  readonly function: Context["function"];
  readonly #places: Places;
  readonly #view: RequestView;
  readonly #probeHeaders: Readonly<Record<string, string>>;
  readonly #background = new Set<Promise<unknown>>();
  /** WebSockets by the responses that open them. */
  readonly #sockets = new WeakMap<Response, WebSocket>();

  constructor(options: CallsOptions) {
    this.function = Object.freeze({ ...options.function });
    this.#places = options.places;
    this.#view = options.view;
    this.#probeHeaders = { [VERSION_HEADER]: String(options.function.version) };
  }

  /** One call from request to response: refused, or answered by the handler. */
  answer(handler: Handler, request: Request, info: Info): Response | Promise<Response> {
    this.#view.apply(request);
    if (request.url.endsWith(PROBE_PATH) && request.headers.has(PROBE_HEADER))
      return this.#answerProbe(request);
    if (this.#places.take(request)) return this.#handle(handler, request, info);
    return this.#handleWhenAdmitted(handler, request, info);
  }

  async #handleWhenAdmitted(handler: Handler, request: Request, info: Info): Promise<Response> {
    const isAdmitted = await this.#places.wait(request, this.#waitMsOf(request));
    return isAdmitted ? this.#handle(handler, request, info) : busy();
  }

  /** Needs no place. May reserve one for a call that follows, or end a call that its router has given up. */
  #answerProbe(request: Request): Response | Promise<Response> {
    const { headers } = request;
    const leaver = headers.get(GONE_HEADER);
    if (leaver !== null) this.#places.giveUp(leaver);
    const follower = headers.get(PLACE_HEADER);
    if (follower !== null) return this.#reserve(follower, request);
    return new Response(null, { status: 204, headers: this.#probeHeaders });
  }

  async #reserve(callId: string, request: Request): Promise<Response> {
    const places = this.#places;
    if (!places.take(request) && !(await places.wait(request, this.#waitMsOf(request)))) return busy();
    places.reserve(callId);
    return new Response(null, { status: 204, headers: { ...this.#probeHeaders, [PLACE_HEADER]: callId } });
  }

  /** 0 if the header is absent or not a time that is allowed. */
  #waitMsOf(request: Request): number {
    const text = this.#view.waitHeaderOf(request) ?? "";
    const waitMs = /^\d+$/.test(text) ? Number(text) : 0;
    return waitMs <= MOST_WAIT_MS ? waitMs : 0;
  }

  /** Errors of the function become a 500 without a stack. */
  #handle(handler: Handler, request: Request, info: Info): Response | Promise<Response> {
    let response: Response;
    try {
      const value = handler(request, new CallContext(this, request, info));
      // Nothing to wait for: a tenth of what such a call costs.
      const isThere = value instanceof Response && value.status !== SWITCHING_PROTOCOLS;
      if (!isThere) return this.#handleLater(value, request, info);
      response = toResponse(value);
    } catch (error) {
      response = this.#failed(error, request);
    }
    info.completed.then(this.#places.release, this.#places.release);
    return response;
  }

  async #handleLater(value: unknown, request: Request, info: Info): Promise<Response> {
    const place = this.#places.hold(request);
    let response: Response;
    try {
      response = toResponse(await value);
    } catch (error) {
      response = this.#failed(error, request);
    }
    this.#endWith(response, place, info);
    return response;
  }

  #endWith(response: Response, place: Place, info: Info): void {
    const socket = this.#sockets.get(response);
    if (!socket) {
      info.completed.then(place.end, place.end);
      return;
    }
    // A connection that breaks while it becomes a WebSocket ends with an error alone.
    for (const type of ["close", "error"]) socket.addEventListener(type, place.end);
  }

  /** Lets a WebSocket hold the place of its call. */
  follow({ response, socket }: Deno.WebSocketUpgrade): void {
    this.#sockets.set(response, socket);
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

/** A refusal: no call of the function. */
function busy(): Response {
  return new Response(null, { status: 503, headers: { [BUSY_HEADER]: "1" } });
}
