import { WAIT_HEADER } from "./start-message.ts";

/**
 * Shows functions the URL of the client, and hides the header that only router and instance use. It changes the
 * prototype of requests, which also covers clones, and costs nothing for a call that does not read them. The prototype
 * comes from the first request, because loading the global `Request` would delay the start.
 */
export class RequestView {
  readonly #isBehindSocket: boolean;
  #headersOf: ((this: Request) => Headers) | undefined;

  constructor(isBehindSocket: boolean) {
    this.#isBehindSocket = isBehindSocket;
  }

  /** Must be called with every request before it is read. */
  apply(request: Request): void {
    if (this.#headersOf) return;
    const prototype = Object.getPrototypeOf(request) as Request;
    if (this.#isBehindSocket) showHttpUrls(prototype);
    this.#headersOf = hideHeader(prototype, WAIT_HEADER);
  }

  /** Returns the hidden header; null if it is absent. */
  waitHeaderOf(request: Request): string | null {
    return this.#headersOf!.call(request).get(WAIT_HEADER);
  }
}

/** Replaces the scheme of URLs behind a Unix socket, which Deno writes as `http+unix://host/path`. */
function showHttpUrls(prototype: Request): void {
  const url = Object.getOwnPropertyDescriptor(prototype, "url")!;
  const read = url.get as (this: Request) => string;
  const get = function (this: Request): string {
    const text = read.call(this);
    return text.startsWith("http+unix:") ? `http${text.slice(9)}` : text;
  };
  Object.defineProperty(prototype, "url", { ...url, get });
}

/** Returns the original getter. Headers of Deno are immutable, so a request with the header returns a copy of them. */
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
