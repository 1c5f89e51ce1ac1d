import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LingeringCloses } from "../../http/lingering-close.ts";
import type { Limits } from "../../platform/limits.ts";
import type { RequestHandler } from "../server/node-calls.ts";
import { routerServerOptions } from "../server/server-options.ts";

/** Longest path of a Unix socket on Linux is 108 bytes, on macOS 104, with its final NUL. */
const SOCKET_PATH_BYTES = 100;
/** What a worker adds to a header block. */
const ADDED_BYTES = 1_024;

export interface ManagementSocketOptions {
  /** Made for this user alone; what is in it is removed. */
  readonly folder: string;
  readonly limits: Limits;
  readonly handler: RequestHandler;
}

/**
 * Where workers pass on what is no call. Only this user's processes reach it, and of those no function; and whoever
 * does gets the same rules of access as at the port.
 */
export class ManagementSocket {
  readonly path: string;
  readonly #folder: string;
  readonly #server: Server;
  readonly #lingering = new LingeringCloses();

  constructor({ folder, limits, handler }: ManagementSocketOptions) {
    rmSync(folder, { recursive: true, force: true });
    const near = join(folder, "management.sock");
    if (Buffer.byteLength(near) <= SOCKET_PATH_BYTES) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      chmodSync(folder, 0o700);
      this.#folder = folder;
    } else this.#folder = mkdtempSync(join(tmpdir(), "skiff-"));
    this.path = join(this.#folder, "management.sock");
    const options = routerServerOptions(
      { ...limits, headerBytes: limits.headerBytes + ADDED_BYTES },
      { optimizeEmptyRequests: true },
    );
    this.#server = createServer(options, handler);
    this.#server.on("connection", (socket) => this.#lingering.watch(socket));
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.path, resolve);
    });
  }

  async close(): Promise<void> {
    if (this.#server.listening) {
      const closed = new Promise((resolve) => this.#server.close(resolve));
      this.#server.closeAllConnections();
      await closed;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
