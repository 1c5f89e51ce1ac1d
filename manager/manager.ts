import type { IncomingMessage, ServerResponse } from "node:http";
import Koa from "koa";
import { discardBody } from "../http/discard-body.ts";
import type { Limits } from "../platform/limits.ts";
import type { Platform } from "../platform/platform.ts";
import type { Builder } from "../runtimes/runtime.ts";
import { type Access, guardAccess } from "./access/access.ts";
import { answerProblems } from "./api/answer.ts";
import { answerUnrouted } from "./api/answer-unrouted.ts";
import { onOneLine } from "./api/deploy-line.ts";
import type { Services } from "./api/services.ts";
import { drainingProblem } from "./api/state-of-service.ts";
import { Deploys } from "./deploys/deploys.ts";
import { createRoutes } from "./routes.ts";

export interface ManagerOptions {
  readonly platform: Platform;
  readonly builder: Builder;
  readonly limits: Limits;
  readonly access: Access;
  /** Writes one line for the person at the terminal. */
  readonly print: (line: string) => void;
  /** The text of `/metrics`, in Prometheus' format. */
  readonly metrics: () => Promise<string>;
  /** Undefined: ready; else why not. */
  readonly ready: () => string | undefined;
  /** Base of the URLs in answers; without it they are made of the request's `Host`. */
  readonly publicUrl?: string;
}

export interface Manager {
  /** For `http.createServer`. Answers every path; the composition root sends `/fn` elsewhere before. */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  readonly app: Koa;
  /**
   * From now on everything but `/healthz` is 503 `draining`. Resolves when the deploys under way are done or
   * `drainMs` have passed. Closes neither platform nor builder: who made them does.
   */
  close(options?: { drainMs?: number }): Promise<void>;
}

/** What a client causes that goes away in the middle of an answer: nothing that anybody could mend. */
const CLIENT_LEFT = new Set(["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"]);

/** The control plane's HTTP side. */
export function createManager(options: ManagerOptions): Manager {
  const { access, limits, print } = options;
  const closing = new AbortController();
  const deploys = new Deploys(options);
  const services: Services = { ...options, deploys, closing: closing.signal };
  const router = createRoutes(services);
  const app = new Koa();
  app.use(answerProblems(print));
  app.use(guardAccess(access));
  app.use(refuseWhileClosing(closing.signal));
  app.use(router.routes());
  app.use(answerUnrouted(router));
  app.on("error", (error: NodeJS.ErrnoException) => {
    if (!CLIENT_LEFT.has(error.code ?? "")) print(`an answer broke off: ${onOneLine(error.message)}`);
  });
  const handle = app.callback();
  return {
    handler: (request, response) => {
      response.once("close", () => discardBody(request));
      void handle(request, response);
    },
    app,
    close: ({ drainMs = limits.drainMs } = {}) => {
      closing.abort();
      return deploys.close({ drainMs });
    },
  };
}

function refuseWhileClosing(closing: AbortSignal): Koa.Middleware {
  return (ctx, next) => {
    if (!closing.aborted || ctx.path === "/healthz" || ctx.path === "/readyz") return next();
    ctx.set("connection", "close");
    throw drainingProblem();
  };
}
