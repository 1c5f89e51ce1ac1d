import type { IncomingMessage, ServerResponse } from "node:http";
import Koa from "koa";
import { Credentials } from "../http/access/credentials.ts";
import { FailedAttempts } from "../http/failed-attempts.ts";
import { draining } from "../platform/problems.ts";
import { auditWrites } from "./access/audit.ts";
import { guardAccess } from "./access/guard.ts";
import { answerProblems, answerUnrouted, onOneLine } from "./api/answer.ts";
import type { Services } from "./api/services.ts";
import { createRoutes } from "./routes.ts";

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Errors of clients that disconnect during an answer. */
const CLIENT_LEFT = new Set(["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"]);

/** Creates the request handler of the management API. Its first request loads this file and the framework. */
export function createApp(services: Services): RequestHandler {
  const { access, closing, keys, keyTable, limits, print, proxies, store, tokens } = services;
  const router = createRoutes(services);
  const app = new Koa();
  app.use(answerProblems(print));
  app.use(auditWrites({ audit: store?.audit, print, now: keys.now }));
  const attempts = new FailedAttempts(limits);
  const { registry, now } = keys;
  const refresh = (id: string) => registry.refresh(id);
  const credentials = new Credentials({ access, keys: keyTable, refresh, tokens, attempts, limits, now });
  app.use(guardAccess({ access, credentials, router, proxies, keyUsed: keys.uses.used }));
  app.use((ctx, next) => {
    if (!closing.aborted || ctx.path === "/healthz" || ctx.path === "/readyz") return next();
    ctx.set("connection", "close");
    throw draining();
  });
  app.use(router.routes());
  app.use(answerUnrouted(router));
  app.on("error", (error: NodeJS.ErrnoException) => {
    if (!CLIENT_LEFT.has(error.code ?? "")) print(`an answer was interrupted: ${onOneLine(error.message)}`);
  });
  const handle = app.callback();
  return (request, response) => void handle(request, response);
}
