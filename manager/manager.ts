import type { IncomingMessage, ServerResponse } from "node:http";
import Koa from "koa";
import { discardBody } from "../http/discard-body.ts";
import { draining } from "../platform/problems.ts";
import { guardAccess } from "./access/access.ts";
import { answerProblems, answerUnrouted, onOneLine } from "./api/answer.ts";
import type { ManagerOptions } from "./api/services.ts";
import { Deploys } from "./deploys/deploys.ts";
import { createRoutes } from "./routes.ts";

export interface Manager {
  /** For `http.createServer`. The composition root routes `/fn` elsewhere. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  /**
   * Answers everything but `/healthz` with 503 `draining`. Resolves when the deploys under way are done, or after
   * `drainMs`. Leaves platform and builder open.
   */
  close(options?: { drainMs?: number }): Promise<void>;
}

/** Errors of clients that disconnect during an answer. */
const CLIENT_LEFT = new Set(["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"]);

/** Creates the management API. */
export function createManager(options: ManagerOptions): Manager {
  const { access, limits, print } = options;
  const closing = new AbortController();
  const deploys = new Deploys(options);
  const router = createRoutes({ ...options, deploys, closing: closing.signal });
  const app = new Koa();
  app.use(answerProblems(print));
  app.use(guardAccess(access));
  app.use((ctx, next) => {
    if (!closing.signal.aborted || ctx.path === "/healthz" || ctx.path === "/readyz") return next();
    ctx.set("connection", "close");
    throw draining();
  });
  app.use(router.routes());
  app.use(answerUnrouted(router));
  app.on("error", (error: NodeJS.ErrnoException) => {
    if (!CLIENT_LEFT.has(error.code ?? "")) print(`an answer was interrupted: ${onOneLine(error.message)}`);
  });
  const handle = app.callback();
  return {
    handler: (request, response) => {
      response.once("close", () => discardBody(request));
      void handle(request, response);
    },
    close: ({ drainMs = limits.drainMs } = {}) => {
      closing.abort();
      return deploys.close({ drainMs });
    },
  };
}
