import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type Server, type ServerResponse } from "node:http";

export interface InternalServerOptions {
  /** What the manager shows to read the load. */
  readonly token: string;
  /** Undefined: ready; else why not. */
  readonly ready: () => string | undefined;
  readonly metrics: () => Promise<string>;
  /** The load of all functions at this router. */
  readonly load: () => unknown;
  /** What calls of a function follow. */
  readonly serving: (name: string) => unknown;
}

/**
 * What the cluster and the manager ask a router, on a port that no call reaches: probes and metrics for everyone who
 * comes here, the load only for the manager.
 */
export function createInternalServer(options: InternalServerOptions): Server {
  const expected = hash(`Bearer ${options.token}`);
  return createServer({ requestTimeout: 5_000 }, (request, response) => {
    const path = request.url ?? "/";
    if (path === "/healthz") return answer(response, 200, "ok\n");
    if (path === "/readyz") {
      const reason = options.ready();
      return answer(response, reason === undefined ? 200 : 503, `${reason ?? "ready"}\n`);
    }
    if (path === "/metrics") return void answerMetrics(response, options.metrics);
    // Comparing hashes of equal length keeps the time independent of the token.
    if (!timingSafeEqual(hash(request.headers.authorization ?? ""), expected)) {
      return answer(response, 401, "a token is needed\n");
    }
    if (path === "/load") return answerJson(response, options.load());
    const name = /^\/serving\/([-a-z0-9]{1,52})$/.exec(path)?.[1];
    if (name !== undefined) return answerJson(response, options.serving(name));
    return answer(response, 404, "nothing is here\n");
  });
}

async function answerMetrics(response: ServerResponse, metrics: () => Promise<string>): Promise<void> {
  try {
    const text = await metrics();
    response.setHeader("content-type", "text/plain; version=0.0.4; charset=utf-8");
    response.end(text);
  } catch (error) {
    answer(response, 500, `${(error as Error).message}\n`);
  }
}

function answerJson(response: ServerResponse, value: unknown): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(value));
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(text);
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
