import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Problem } from "../../platform/problems.ts";
import type { CallInput } from "../call/call.ts";
import { prepare } from "../exchange/request-head.ts";
import { PlainResponse } from "../fast-path/plain-response.ts";

/**
 * A WebSocket handshake (RFC 6455 4.1) as the router takes it.
 * @param duplex the connection, which Node's server has let go of
 * @param head what the client sent behind the handshake
 */
export function upgradeInput(request: IncomingMessage, duplex: Duplex, head: Buffer): CallInput {
  const socket = duplex as Socket;
  const response = new PlainResponse({
    socket,
    isHead: false,
    keepsAlive: false,
    date: () => new Date().toUTCString(),
    keepAlive: "",
    onFinish: () => socket.destroySoon(),
  });
  // An error is followed by close, which ends the call.
  socket.on("error", () => {});
  socket.on("drain", () => response.drained());
  socket.once("close", () => response.close());
  const { "content-length": length, "transfer-encoding": coding } = request.headers;
  const hasBody = (length !== undefined && length !== "0") || coding !== undefined;
  const problem = hasBody
    ? new Problem("invalid_request", "A WebSocket handshake has no body; send it without one.")
    : undefined;
  return { request: prepare(request), response, problem, upgrade: { socket, head } };
}
