/**
 * The API of Deno before `Deno.serve`: `Deno.listen` for TCP and `Deno.serveHttp`, on which `serve` of std below 0.220
 * builds. The first listener is served on the address of the instance: each call is a connection with one request.
 */

import type { Handler } from "../forms/context.ts";
import { eventOf } from "../forms/respond-with.ts";

interface Serving {
  readonly started: boolean;
  start(handler: Handler): unknown;
  shutdown(): Promise<void>;
}

type Event = ReturnType<typeof eventOf>;

const CALL = Symbol("call");

/** Replaces `Deno.listen` and `Deno.serveHttp`. Only the first TCP listener is replaced; other calls go to Deno. */
export function serveListeners(serving: Serving): void {
  const listen = Deno.listen as (options: Deno.ListenOptions) => unknown;
  const former = Object.getOwnPropertyDescriptor(Deno, "serveHttp");
  const replaced = {
    listen: (options: Deno.TcpListenOptions & { transport?: string }) =>
      serving.started || (options?.transport ?? "tcp") !== "tcp"
        ? listen(options)
        : new CallListener(serving, options),
    serveHttp: (connection: { [CALL]?: Event }) => {
      const event = connection[CALL];
      return event === undefined ? former?.get?.call(Deno)(connection) : new CallConnection(event);
    },
  };
  for (const [name, value] of Object.entries(replaced)) {
    Object.defineProperty(Deno, name, { value, configurable: true, enumerable: true, writable: true });
  }
}

/** A listener whose connections are calls. */
class CallListener {
  readonly addr: Deno.NetAddr;
  readonly #serving: Serving;
  readonly #waiting: Event[] = [];
  #accept: ((event: Event | undefined) => void)[] = [];
  #isClosed = false;

  constructor(serving: Serving, { hostname = "0.0.0.0", port }: Deno.TcpListenOptions) {
    this.addr = { transport: "tcp", hostname, port: Number(port) > 0 ? Number(port) : 8000 };
    this.#serving = serving;
    serving.start((request, context) => {
      const event = eventOf(request, context);
      const accept = this.#accept.shift();
      if (accept) accept(event);
      else this.#waiting.push(event);
      return event.response;
    });
  }

  async accept(): Promise<object> {
    const next = this.#waiting.shift() ?? (this.#isClosed ? undefined : await this.#next());
    if (next === undefined) throw new Deno.errors.BadResource("Listener has been closed");
    const { remoteAddr } = next;
    const connection = { [CALL]: next, remoteAddr, localAddr: this.addr, rid: -1, close() {} };
    for (const name of ["read", "write", "readable", "writable"]) {
      Object.defineProperty(connection, name, { get: onlyHttp });
    }
    return connection;
  }

  #next(): Promise<Event | undefined> {
    return new Promise((resolve) => this.#accept.push(resolve));
  }

  close(): void {
    this.#isClosed = true;
    for (const accept of this.#accept.splice(0)) accept(undefined);
    void this.#serving.shutdown();
  }

  ref(): void {}
  unref(): void {}

  async *[Symbol.asyncIterator](): AsyncGenerator<object> {
    while (!this.#isClosed) yield await this.accept();
  }
}

function onlyHttp(): never {
  throw new Error("A function serves HTTP alone: pass the connection to Deno.serveHttp, or call Deno.serve.");
}

/** What `Deno.serveHttp` returns for the connection of a call. */
class CallConnection {
  readonly rid = -1;
  #event: Event | null;

  constructor(event: Event) {
    this.#event = event;
  }

  async nextRequest(): Promise<Event | null> {
    const event = this.#event;
    this.#event = null;
    return event;
  }

  close(): void {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Event> {
    for (let event = await this.nextRequest(); event !== null; event = await this.nextRequest()) yield event;
  }
}
