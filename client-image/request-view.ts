import { WAIT_HEADER } from "./start-message.ts";

/**
 * What functions see of requests: the URL that the client asked for, and no header that is between router and instance.
 * Changed on the prototype, because that holds for clones as well and costs no call that does not look; the prototype of a
 * request that is there, so that no start waits for the global `Request` to be loaded.
 */
export class RequestView {
  readonly #isBehindSocket: boolean;
  #headersOf: ((this: Request) => Headers) | undefined;

  constructor(isBehindSocket: boolean) {
    this.#isBehindSocket = isBehindSocket;
  }

  /** Called with every request, before anybody reads it. */
  apply(request: Request): void {
    if (this.#headersOf) return;
    const prototype = Object.getPrototypeOf(request) as Request;
    if (this.#isBehindSocket) showHttpUrls(prototype);
    this.#headersOf = hideHeader(prototype, WAIT_HEADER);
  }

  /** The hidden header; null if there is none. */
  waitHeaderOf(request: Request): string | null {
    return this.#headersOf!.call(request).get(WAIT_HEADER);
  }
}

/** Behind a Unix socket Deno names URLs `http+unix://host/path`. */
function showHttpUrls(prototype: Request): void {
  const url = Object.getOwnPropertyDescriptor(prototype, "url")!;
  const read = url.get as (this: Request) => string;
  const get = function (this: Request): string {
    const text = read.call(this);
    return text.startsWith("http+unix:") ? `http${text.slice(9)}` : text;
  };
  Object.defineProperty(prototype, "url", { ...url, get });
}

/** Headers that Deno made cannot be changed: a request that has this one shows a copy. Returns what reads all. */
function hideHeader(prototype: Request, name: string): (this: Request) => Headers {
  const headers = Object.getOwnPropertyDescriptor(prototype, "headers")!;
  const read = headers.get as (this: Request) => Headers;
  const copies = new WeakMap<Headers, Headers>();
  const get = function (this: Request): Headers {
    const all = read.call(this);
    if (!all.has(name)) return all;
    let copy = copies.get(all);
    if (copy === undefined) {
      copy = new Headers(all);
      copy.delete(name);
      copies.set(all, copy);
    }
    return copy;
  };
  Object.defineProperty(prototype, "headers", { ...headers, get });
  return read;
}
