import type { IncomingMessage } from "node:http";
import { type ClientOrigin, readOrigin } from "./client-origin.ts";
import { plainAddress, type TrustedProxies } from "./trusted-proxies.ts";

/** The peer of a connection that another process of Skiff accepted. No header can set it. */
const PEER = Symbol("peer");

type PassedOn = IncomingMessage & { [PEER]?: string };

/** Notes the address of the client whose request another process passed on. */
export function setPeer(request: IncomingMessage, address: string | undefined): void {
  (request as PassedOn)[PEER] = address ?? "unknown";
}

/** Returns the address of a client, according to the trusted proxies between it and Skiff. */
export function clientAddress(request: IncomingMessage, proxies: TrustedProxies | undefined): string {
  return clientOf(request, proxies).address;
}

/** Returns the address of a client, and what the trusted proxies between it and Skiff say about it. */
export function clientOf(
  request: IncomingMessage,
  proxies: TrustedProxies | undefined,
): { readonly address: string; readonly origin: ClientOrigin | undefined } {
  const { headers, socket } = request;
  const peer = (request as PassedOn)[PEER] ?? socket.remoteAddress ?? "unknown";
  const origin = proxies && readOrigin({ headers, socket: { remoteAddress: peer } }, proxies);
  return { address: origin?.address ?? plainAddress(peer) ?? peer, origin };
}
