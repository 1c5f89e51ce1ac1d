import type { StartMessage } from "./start-message.ts";

export type Answer = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
) => Response | Promise<Response>;

/** A port or Unix socket that is listened on from the start, and whose answers change hands once: nobody finds it closed. */
export class HeldPort {
  readonly #server: Deno.HttpServer;
  #answer: Answer;

  constructor(address: StartMessage["listen"], answer: Answer) {
    this.#answer = answer;
    const held: Answer = (request, info) => this.#answer(request, info);
    this.#server =
      "unix" in address
        ? Deno.serve({ path: address.unix, onListen() {} }, held)
        : Deno.serve({ port: address.port, hostname: "0.0.0.0", onListen() {} }, held);
  }

  /** From now on `answer` answers. */
  handOver(answer: Answer): Deno.HttpServer {
    this.#answer = answer;
    return this.#server;
  }

  /** No new connections; resolves when what was asked is answered. */
  async close(): Promise<void> {
    await this.#server.shutdown();
  }
}
