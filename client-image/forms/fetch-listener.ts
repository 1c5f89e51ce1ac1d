/** `addEventListener("fetch", …)`, the first form of Workers. */
import type { Handler } from "./context.ts";

interface FetchEvent extends Event {
  readonly request: Request;
  respondWith(response: unknown): void;
}

type Listener = ((event: FetchEvent) => unknown) | { handleEvent(event: FetchEvent): unknown };

/** Replaces the global `addEventListener`. Returns a function that returns the handler of the last fetch listener. */
export function followFetchListeners(): () => Handler | undefined {
  const add = globalThis.addEventListener;
  let listener: Listener | undefined;
  const value = function (this: unknown, ...args: unknown[]): void {
    if (args[0] === "fetch") listener = args[1] as Listener;
    else add.apply((this ?? globalThis) as typeof globalThis, args as Parameters<typeof add>);
  };
  Object.defineProperty(globalThis, "addEventListener", { value, configurable: true, writable: true });
  return () => listener && listenerHandler(listener);
}

function listenerHandler(listener: Listener): Handler {
  return (request, { waitUntil }) => {
    let answer: { readonly response: unknown } | undefined;
    const event = Object.assign(new Event("fetch", { cancelable: true }), {
      ...{ request, waitUntil, clientId: "", passThroughOnException() {} },
      respondWith(response: unknown) {
        if (answer) throw new Error("respondWith was called already");
        answer = { response };
      },
    });
    if (typeof listener === "function") listener(event);
    else listener.handleEvent(event);
    if (answer === undefined) throw new Error("The fetch listener did not call event.respondWith");
    return answer.response;
  };
}
