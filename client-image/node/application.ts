import type { Handler } from "../forms/context.ts";
import { type NodeListener, nodeHandler } from "./exchange.ts";
import { type Emitter, loadNode } from "./types.ts";

/** Returns the handler of an exported application for Node: of Express, Koa, Fastify or Polka, or a server. */
export function nodeApplication(exported: unknown): Handler | undefined {
  const listener = listenerOf(exported);
  if (!listener) return undefined;
  let answer: Promise<Handler> | undefined;
  return async (request, context) => {
    answer ??= loadNode().then((node) => nodeHandler(node, listener));
    return (await answer)(request, context);
  };
}

function listenerOf(exported: unknown): NodeListener | undefined {
  if ((typeof exported !== "object" && typeof exported !== "function") || exported === null) return undefined;
  const has = (...names: readonly string[]) =>
    names.every((name) => typeof (exported as Record<string, unknown>)[name] === "function");
  if (!has("listen")) return undefined;
  // Express and Connect.
  if (typeof exported === "function") return has("handle", "use") ? (exported as NodeListener) : undefined;
  if (has("callback", "use")) return (exported as { callback(): NodeListener }).callback();
  if (has("ready", "inject")) {
    const app = exported as unknown as { ready(): Promise<unknown>; server: Emitter };
    return async (request, response) => {
      await app.ready();
      app.server.emit("request", request, response);
    };
  }
  if (has("handler", "use")) {
    const app = exported as unknown as { handler: NodeListener };
    return (request, response) => app.handler(request, response);
  }
  if (has("emit", "closeIdleConnections")) {
    return (request, response) => {
      (exported as Emitter).emit("request", request, response);
    };
  }
  return undefined;
}
