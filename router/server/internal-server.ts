import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { answerProbe, answerText, type ProbesOptions } from "../../http/programs/probes.ts";
import type { RouterOrders, RouterReport } from "../../platform/usage/exchange.ts";

export interface InternalServerOptions extends ProbesOptions {
  /** Token of the manager. */
  readonly token: string;
  /** Returns the load of all functions at this router. */
  readonly load: () => unknown;
  /** Returns the endpoints that calls of a function use. */
  readonly serving: (name: string) => unknown;
  /** Applies the orders of the collector of usage, and returns what was counted. */
  readonly usage: (orders: RouterOrders) => Promise<readonly RouterReport[]>;
}

/** Most bytes of the orders. */
const MOST_BYTES = 64 * 1024 ** 2;

/**
 * Creates the server of the internal port, which no call reaches: probes and metrics for everyone, load, endpoints and
 * usage for the manager.
 */
export function createInternalServer({
  token,
  ready,
  metrics,
  load,
  serving,
  usage,
}: InternalServerOptions): Server {
  const expected = hash(`Bearer ${token}`);
  return createServer({ requestTimeout: 5_000 }, (request, response) => {
    const path = request.url ?? "/";
    if (answerProbe({ ready, metrics }, request, response)) return;
    // Hashes of equal length make the time of the comparison independent of the token.
    if (!timingSafeEqual(hash(request.headers.authorization ?? ""), expected)) {
      return answerText(response, 401, "send the token of the manager\n");
    }
    if (path === "/usage" && request.method === "POST") {
      return void readJson(request)
        .then(usage)
        .then(
          (reports) => answerJson(response, reports),
          (error: Error) => answerText(response, 400, `${error.message}\n`),
        );
    }
    const name = /^\/serving\/([-a-z0-9]{1,52})$/.exec(path)?.[1];
    if (path !== "/load" && name === undefined) return answerText(response, 404, "not found\n");
    const value = name === undefined ? load() : serving(name);
    return answerJson(response, value);
  });
}

function answerJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}

async function readJson(request: IncomingMessage): Promise<RouterOrders> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MOST_BYTES) throw new Error(`the body has more than ${MOST_BYTES} bytes`);
    parts.push(part);
  }
  return JSON.parse(Buffer.concat(parts).toString()) as RouterOrders;
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
