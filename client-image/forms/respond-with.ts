/** Former contracts, in which a handler gets an event: `({ req }) => req.respondWith(…)`, `event.respondWith(…)`. */
import type { Context, Handler } from "./context.ts";

/** Whether the source of a handler reads an event. */
export function takesEvent(source: string): boolean {
  if (/\brespondWith\b/.test(source)) return true;
  return /^(?:async\b\s*)?(?:function\b\s*[\w$]*\s*)?\(\s*\{[^}]*\breq\b/.test(source);
}

/** A request that is answered by a call of its method. */
export interface RespondEvent {
  readonly request: Request;
  readonly remoteAddr: Context["remoteAddr"];
  /** Resolves with the result of `respondWith`. */
  readonly response: Promise<unknown>;
  readonly hasAnswered: boolean;
  respondWith(response: unknown): Promise<void>;
}

export function eventOf(request: Request, { remoteAddr }: Context): RespondEvent {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  let hasAnswered = false;
  return {
    ...{ request, remoteAddr, response: promise },
    get hasAnswered() {
      return hasAnswered;
    },
    async respondWith(response) {
      hasAnswered = true;
      resolve(response);
      await response;
    },
  };
}

/** Returns a handler whose request has the members of such an event. */
export function eventHandler(handler: Handler): Handler {
  return async (request, context) => {
    const event = eventOf(request, context);
    addMembers(request, event);
    const result = Promise.try(handler, request, context);
    const value = await Promise.race([event.response.then(() => undefined), result]);
    if (value !== undefined || !event.hasAnswered) return value;
    // An error after the answer is logged.
    context.waitUntil(result);
    return await event.response;
  };
}

function addMembers(request: Request, event: RespondEvent): void {
  const { remoteAddr } = event;
  const respondWith = event.respondWith.bind(event);
  const localAddr = { transport: "tcp", hostname: "0.0.0.0", port: 8000 };
  const members = {
    req: { request, respondWith },
    conn: { remoteAddr, localAddr },
    request,
    respondWith,
  };
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(request, name, { value, configurable: true });
  }
}
