import { compressed } from "./answers/compressed.ts";
import type { Calls } from "./calls.ts";
import type { Handler } from "./handler.ts";
import type { StartMessage } from "./start-message.ts";

export type Answer = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
) => Response | Promise<Response>;

/** A port or Unix socket that is open before the function is loaded, and switches to its answers then. */
export class HeldPort {
  readonly server: Deno.HttpServer;
  answer: Answer;

  constructor(address: StartMessage["listen"], answer: Answer) {
    this.answer = answer;
    const held: Answer = (request, info) => this.answer(request, info);
    this.server =
      "unix" in address
        ? Deno.serve({ path: address.unix, onListen() {} }, held)
        : Deno.serve({ port: address.port, hostname: "0.0.0.0", onListen() {} }, held);
  }
}

/** Options of `Deno.serve` that have a meaning here. The address of the instance replaces theirs, which is reported. */
interface ServeOptions {
  readonly handler?: unknown;
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: string;
  readonly signal?: AbortSignal;
  readonly automaticCompression?: boolean;
  readonly onError?: (error: unknown) => unknown;
  readonly onListen?: (address: Deno.Addr) => void;
}

/** The only HTTP server of an instance. The runtime starts it, or the program with `Deno.serve`. */
export class InstanceServer {
  readonly listening: Promise<void>;
  readonly #serve = Deno.serve.bind(Deno);
  readonly #calls: Calls;
  readonly #address: number | HeldPort;
  #listened: () => void = () => {};
  #server: Deno.HttpServer | undefined;

  /** Listens on a port at the start of the server, or uses an address that is open already. */
  constructor(calls: Calls, address: number | HeldPort) {
    this.#calls = calls;
    this.#address = address;
    this.listening = new Promise((resolve) => {
      this.#listened = resolve;
    });
  }

  get started(): boolean {
    return this.#server !== undefined;
  }

  /** @throws Error if it was started already */
  start(handler: Handler, onListen?: () => void): Deno.HttpServer {
    if (this.#server) {
      throw new Error(
        "A function has one server: Deno.serve was called already, or a server of Node listens.",
      );
    }
    const listened = () => {
      onListen?.();
      this.#listened();
    };
    const answer: Answer = (request, info) => this.#calls.answer(handler, request, info);
    const address = this.#address;
    if (typeof address === "number") {
      const options = { port: address, hostname: "0.0.0.0", onListen: listened };
      this.#server = this.#serve(options, answer);
      return this.#server;
    }
    address.answer = answer;
    this.#server = address.server;
    listened();
    return this.#server;
  }

  /** Replaces `Deno.serve`: the same arguments and the same result, but on the address of the instance. */
  serveForProgram(first: unknown, second?: unknown): Deno.HttpServer {
    const options = (typeof first === "object" && first !== null ? first : {}) as ServeOptions;
    const handler = typeof first === "function" ? first : (second ?? options.handler);
    if (typeof handler !== "function") throw new TypeError("Deno.serve needs a handler");
    const { hostname = "0.0.0.0", port = 8000, path, onError, onListen, signal } = options;
    const addr: Deno.Addr =
      path === undefined ? { transport: "tcp", hostname, port } : { transport: "unix", path };
    const answer: Handler = async (request, context) => {
      try {
        return await handler(request, context);
      } catch (error) {
        if (onError) return await onError(error);
        throw error;
      }
    };
    const server = this.start(options.automaticCompression ? compressed(answer) : answer, () =>
      onListen?.(addr),
    );
    const shutdown = () => server.shutdown();
    signal?.addEventListener("abort", () => void shutdown());
    // An unreferenced server would end the instance, which the platform does.
    return {
      addr,
      ...{ finished: server.finished, shutdown, ref() {}, unref() {} },
      [Symbol.asyncDispose]: shutdown,
    } as Deno.HttpServer;
  }

  /** Closes the server. Resolves when the calls under way are answered. */
  async shutdown(): Promise<void> {
    await this.#server?.shutdown();
  }
}
