import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setPeer } from "../../http/client-address.ts";
import { LingeringCloses } from "../../http/lingering-close.ts";
import { passOn } from "../../http/programs/pass-on.ts";
import type { Limits } from "../../platform/limits.ts";
import type { RequestHandler } from "../server/node-calls.ts";
import { routerServerOptions } from "../server/server-options.ts";

const NAME = "management.sock";
/** Limit for the path of a Unix socket: 108 bytes on Linux and 104 on macOS, including the final NUL. */
const PATH_BYTES = 100;
/** Carries the address of the client. A client cannot send it. */
const CLIENT = "x-skiff-client";

/**
 * Serves the management API to workers, on a Unix socket that processes of this user reach and functions do
 * not. The access rules of the port apply.
 * @param wanted a folder for this socket alone
 */
export async function openManagementSocket(wanted: string, limits: Limits, handler: RequestHandler) {
  rmSync(wanted, { recursive: true, force: true });
  const isShort = Buffer.byteLength(join(wanted, NAME)) <= PATH_BYTES;
  if (isShort) mkdirSync(wanted, { recursive: true, mode: 0o700 });
  const folder = isShort ? wanted : mkdtempSync(join(tmpdir(), "skiff-"));
  const path = join(folder, NAME);
  // The workers have applied the limit, and add fields.
  const headerBytes = 2 * limits.headerBytes;
  const options = routerServerOptions({ ...limits, headerBytes });
  const server = createServer(options, (request, response) => {
    setPeer(request, request.headersDistinct[CLIENT]?.[0]);
    handler(request, response);
  });
  const lingering = new LingeringCloses();
  server.on("connection", (socket) => lingering.watch(socket));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
  return {
    path,
    async close(): Promise<void> {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Returns a handler that forwards requests to that socket, with the address of the client. */
export function passOnTo(socketPath: string): RequestHandler {
  return passOn({ to: { socketPath }, field: ({ socket }) => [CLIENT, socket.remoteAddress ?? "unknown"] });
}
