import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Limits } from "../../platform/limits.ts";
import { LingeringCloses } from "../lingering-close.ts";
import { RequestOrder } from "../request-order.ts";
import { serverOptions } from "../server.ts";

/** Creates a server of Node for clients, and the connections that it must let linger. */
export function createRequestServer(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  limits: Limits,
): { readonly server: Server; readonly lingering: LingeringCloses } {
  const order = new RequestOrder();
  const lingering = new LingeringCloses();
  const server = createServer(serverOptions(limits), (request, response) =>
    order.run(request, response, () => handler(request, response)),
  );
  server.on("connection", (socket: Socket) => lingering.watch(socket, () => order.isDone(socket)));
  return { server, lingering };
}
