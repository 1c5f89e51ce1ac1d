import { nativeResponse } from "./answers/native-response.ts";
import type { CallConsole } from "./console/call-console.ts";
import { nodeFormAdvice } from "./forms/node-form.ts";
import { type Context, type Handler, toResponse } from "./handler.ts";
import { mayHaveBody, type Place, type Places } from "./places.ts";
import type { RequestView } from "./request-view.ts";
import {
  BUSY_HEADER,
  CALL_ID_HEADER,
  GONE_HEADER,
  MOST_WAIT_MS,
  PLACE_HEADER,
  PROBE_HEADER,
  PROBE_PATH,
  READABLE_FIELDS,
  VERSION_HEADER,
} from "./start-message.ts";

/** The part of Deno's information about a request that calls use. */
type Info = Pick<Deno.ServeHandlerInfo, "completed">;

const SWITCHING_PROTOCOLS = 101;

const CALLS = Symbol("calls");
const REQUEST = Symbol("request");
const INFO = Symbol("info");

/**
 * The second argument of a handler. A class, because an object literal with getters is rebuilt for each call. Symbols
 * replace private fields, because libraries derive objects from it (`Object.create`, proxies).
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

  /** A getter, so that the method works without its object. */
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

  get basePath() {
    return this[REQUEST].headers.get("x-forwarded-prefix") ?? "";
  }
}

export interface CallsOptions {
  readonly function: Context["function"];
  readonly places: Places;
  readonly view: RequestView;
  readonly console: CallConsole;
}

/** Answers calls with a handler, each in a place of its own, and tracks their unfinished work. */
export class Calls {
  readonly function: Context["function"];
  readonly #places: Places;
  readonly #view: RequestView;
  readonly #console: CallConsole;
  readonly #probeHeaders: Readonly<Record<string, string>>;
  readonly #background = new Set<Promise<unknown>>();
  /** WebSockets by the responses that open them. */
  readonly #sockets = new WeakMap<Response, WebSocket>();

  constructor({ function: func, places, view, console }: CallsOptions) {
    this.function = Object.freeze({ ...func });
    this.#places = places;
    this.#view = view;
    this.#console = console;
    this.#probeHeaders = { [VERSION_HEADER]: String(func.version) };
  }

  /** Answers one request: a probe, or a call, which may be refused. */
  answer(handler: Handler, request: Request, info: Info): Response | Promise<Response> {
    this.#view.apply(request);
    if (request.url.endsWith(PROBE_PATH) && request.headers.has(PROBE_HEADER))
      return this.#answerProbe(request);
    if (this.#places.take(request)) return this.#handle(handler, request, info);
    return this.#handleWhenAdmitted(handler, request, info);
  }

  async #handleWhenAdmitted(handler: Handler, request: Request, info: Info): Promise<Response> {
    return (await this.#wait(request)) ? this.#handle(handler, request, info) : busy();
  }

  /** Answers a probe without taking a place. It may end a call, or reserve a place for a call that follows. */
  #answerProbe(request: Request): Response | Promise<Response> {
    const { headers } = request;
    const leaver = headers.get(GONE_HEADER);
    if (leaver !== null) this.#places.giveUp(leaver);
    const follower = headers.get(PLACE_HEADER);
    if (follower !== null) return this.#reserve(follower, request);
    if (this.#places.isSpent && this.#places.oneCall!.refusesProbes) return busy();
    const Native = nativeResponse();
    return new Native(null, { status: 204, headers: this.#probeHeaders });
  }

  async #reserve(callId: string, request: Request): Promise<Response> {
    if (!this.#places.take(request) && !(await this.#wait(request))) return busy();
    this.#places.reserve(callId);
    const Native = nativeResponse();
    return new Native(null, { status: 204, headers: { ...this.#probeHeaders, [PLACE_HEADER]: callId } });
  }

  /** Waits for a place as long as the request allows: 0 if its header is absent or out of range. */
  #wait(request: Request): Promise<boolean> {
    const text = this.#view.waitHeaderOf(request) ?? "";
    const waitMs = /^\d+$/.test(text) ? Number(text) : 0;
    return this.#places.wait(request, waitMs <= MOST_WAIT_MS ? waitMs : 0);
  }

  /** Runs the handler. An error becomes a 500 without a stack. */
  #handle(handler: Handler, request: Request, info: Info): Response | Promise<Response> {
    let response: Response;
    const outside = this.#console.enter(request);
    try {
      const value = handler(request, new CallContext(this, request, info));
      // Awaiting a response that exists would add a tenth to the cost of a small call.
      const exists = value instanceof Response && value.status !== SWITCHING_PROTOCOLS;
      if (!exists) return this.#handleLater(value, request, info);
      response = toResponse(value);
    } catch (error) {
      response = this.#failed(error, request);
    } finally {
      this.#console.leave(outside);
    }
    // The response may be the request's body, which is received until then.
    const isHeld = mayHaveBody(request) || this.#places.oneCall !== undefined;
    if (isHeld) this.#endWith(response, this.#places.hold(request), info);
    else info.completed.then(this.#places.release, this.#places.release);
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
    place.isAnswered = true;
    const socket = this.#sockets.get(response);
    if (!socket) {
      info.completed.then(place.end, place.end);
      return;
    }
    // A connection that breaks while it becomes a WebSocket emits an error only.
    for (const type of ["close", "error"]) socket.addEventListener(type, place.end);
  }

  /** Lets a WebSocket hold the place of its call. */
  follow({ response, socket }: Deno.WebSocketUpgrade): void {
    this.#sockets.set(response, socket);
  }

  /** Resolves when all promises of `waitUntil` have settled. */
  async settled(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background);
  }

  /** Keeps the instance alive until the promise settles. */
  keep(promise: Promise<unknown>): void {
    // What it prints after the response belongs to the call, whose id cannot be read then.
    this.#console.callId();
    const tracked = Promise.resolve(promise)
      .catch((error) => console.error("waitUntil:", error))
      .finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }

  #failed(error: unknown, request: Request): Response {
    const callId = request.headers.get(CALL_ID_HEADER) ?? "";
    console.error(`call ${callId} failed:`, error);
    const advice = nodeFormAdvice(error);
    if (advice !== undefined) console.error(advice);
    const document = {
      type: "https://skiff.dev/problems/function_error",
      title: "The function threw an error",
      status: 500,
      detail: "The stack is in the function's log.",
      code: "function_error",
      callId,
    };
    const Native = nativeResponse();
    return new Native(JSON.stringify(document), {
      status: 500,
      headers: {
        "content-type": "application/problem+json; charset=utf-8",
        "cache-control": "no-store",
        "x-skiff-error": "platform",
        ...READABLE_FIELDS,
      },
    });
  }
}

/** Refuses a call before its function runs. */
function busy(): Response {
  const Native = nativeResponse();
  return new Native(null, { status: 503, headers: { [BUSY_HEADER]: "1" } });
}
