export type Answer = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.Addr>,
) => Response | Promise<Response>;

/** A port that is listened on from the start, and whose answers change hands once: nobody finds it closed. */
export class HeldPort {
  readonly #server: Deno.HttpServer;
  #answer: Answer;

  constructor(port: number, answer: Answer) {
    this.#answer = answer;
    this.#server = Deno.serve({ port, hostname: "0.0.0.0", onListen() {} }, (request, info) =>
      this.#answer(request, info),
    );
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
