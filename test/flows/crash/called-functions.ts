import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { CrashPoint } from "./crash-point.ts";

/** Calls that functions saw, from all programs. */
export class CalledFunctions {
  /** How many calls each idempotency key had. */
  readonly seen = new Map<string, number>();

  /** Listens as the router of one program. What that program calls after its death, or what answers it, gets lost. */
  async routerOf(point: Pick<CrashPoint, "pass">): Promise<{ readonly url: string; close(): void }> {
    const server = createServer((request, response) => void this.#take(request, response, point));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      close: () => {
        server.close();
        server.closeAllConnections();
      },
    };
  }

  async #take(
    request: IncomingMessage,
    response: ServerResponse,
    point: Pick<CrashPoint, "pass">,
  ): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    if (!point.pass()) return void response.destroy();
    const key = String(request.headers["idempotency-key"]);
    this.seen.set(key, (this.seen.get(key) ?? 0) + 1);
    const isFlaky = request.url!.startsWith("/fn/flaky") && request.headers["skiff-attempt"] === "1";
    if (!point.pass()) return void response.destroy();
    if (isFlaky) return void response.writeHead(503).end();
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(Number(Buffer.concat(parts).toString()) + 1));
  }
}
