import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A call as a function got it. */
export interface Started {
  readonly call: string;
  readonly attempt: number;
  readonly body: string;
  /** The id of the event, of a delivery. */
  readonly event: string | undefined;
}

/** What the function does with a call: it returns the status and headers of its answer. */
export type Run = (started: Started) => Promise<readonly [number, Record<string, string>]>;

/** Stands for the router and its functions, outlives the programs that are killed, and knows what was started. */
export class RecordingRouter {
  readonly started: Started[] = [];
  readonly #server: Server;

  private constructor(run: Run) {
    this.#server = createServer(async (request, response) => {
      const { headers } = request;
      const started = {
        call: String(headers["skiff-call"]),
        attempt: Number(headers["skiff-attempt"]),
        body: await text(request).catch(() => "broken off"),
        event: headers["ce-id"] as string | undefined,
      };
      const [status, fields] = await run(started);
      if (status < 500) this.started.push(started);
      response.writeHead(status, fields).end("done");
    });
  }

  static async start(run: Run): Promise<RecordingRouter> {
    const router = new RecordingRouter(run);
    await listening(router.#server);
    return router;
  }

  get url(): string {
    return urlOf(this.#server);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** Resolves with the URL of a server on a free port. */
export async function listening(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return urlOf(server);
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
