import { Agent, WebSocket } from "undici";
import type { Address } from "../../../platform/platform.ts";

/** An open WebSocket to an instance, over a connection of its own. */
export async function openSocket(address: Address, path = "/"): Promise<WebSocket> {
  if (!("unix" in address)) throw new Error("an instance on a Unix socket is expected");
  const dispatcher = new Agent({ connect: { socketPath: address.unix } });
  const socket = new WebSocket(`ws://fn.example${path}`, { dispatcher });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", (event) => reject(event.error), { once: true });
  });
  socket.addEventListener("close", () => void dispatcher.close(), { once: true });
  return socket;
}

export function nextMessage(socket: WebSocket): Promise<unknown> {
  return new Promise((resolve) =>
    socket.addEventListener("message", ({ data }) => resolve(data), { once: true }),
  );
}

export function closeOf(socket: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => socket.addEventListener("close", resolve, { once: true }));
}
