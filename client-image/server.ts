import type { Calls } from "./calls.ts";
import type { Handler } from "./handler.ts";
import type { HeldPort } from "./held-port.ts";
import type { StartMessage } from "./start-message.ts";

type ServeArguments = readonly [unknown, unknown?];

/** The one HTTP server of an instance, whoever starts it: the runtime or the program's own `Deno.serve`. */
export class InstanceServer {
  readonly listening: Promise<void>;
  readonly #serve = Deno.serve.bind(Deno);
  readonly #calls: Calls;
  readonly #address: StartMessage["listen"];
  readonly #held: HeldPort | undefined;
  #listened: () => void = () => {};
  #server: Deno.HttpServer | undefined;

  /** `held` listens on `address` already: on a Unix socket always, on a port in pods of the pool. */
  constructor(calls: Calls, address: StartMessage["listen"], held?: HeldPort) {
    this.#calls = calls;
    this.#address = address;
    this.#held = held;
    this.listening = new Promise((resolve) => {
      this.#listened = resolve;
    });
  }

  get started(): boolean {
    return this.#server !== undefined;
  }

  start(handler: Handler, onListen?: (address: Deno.NetAddr) => void): Deno.HttpServer {
    if (this.#server) throw new Error("A function has one server: Deno.serve was called already.");
    const listened = () => {
      onListen?.({ transport: "tcp", hostname: "0.0.0.0", port: 8000 });
      this.#listened();
    };
    const answer = (request: Request, info: Deno.ServeHandlerInfo<Deno.Addr>) =>
      this.#calls.answer(handler, request, info);
    if (this.#held) {
      this.#server = this.#held.handOver(answer);
      listened();
      return this.#server;
    }
    if ("unix" in this.#address) throw new Error("A Unix socket is held from the start.");
    const { port } = this.#address;
    this.#server = this.#serve({ port, hostname: "0.0.0.0", onListen: listened }, answer);
    return this.#server;
  }

  /** `Deno.serve` as the program calls it: same forms, but the address is the platform's. */
  serveForProgram(...[first, second]: ServeArguments): Deno.HttpServer {
    const options = (typeof first === "object" ? first : {}) as Deno.ServeTcpOptions & { handler?: unknown };
    const handler = typeof first === "function" ? first : (second ?? options.handler);
    if (typeof handler !== "function") throw new TypeError("Deno.serve needs a handler");
    const { onError, onListen, signal } = options;
    const answer: Handler = async (request, context) => {
      try {
        return await handler(request, context);
      } catch (error) {
        if (onError) return await onError(error);
        throw error;
      }
    };
    const server = this.start(answer, onListen);
    signal?.addEventListener("abort", () => void server.shutdown());
    return server;
  }

  /** No new connections; resolves when the calls under way are answered. */
  async shutdown(): Promise<void> {
    await this.#server?.shutdown();
  }
}
