import { createServer, type Server, type Socket } from "node:net";
import { connectionsFor, openFilesLimit } from "../server/open-files.ts";
import type { WorkerProcess } from "./worker-process.ts";

/** Connections that are kept while no worker takes any, if there are files for so many. */
const KEPT = 10_000;
/** Open files that a process has at least where the system does not tell. */
const USUAL_FILES = 1_024;

/**
 * Accepts connections and hands each to the worker that has the fewest. Workers that accept by themselves are quicker
 * for clients which open one for every call, but a few clients that keep theirs may all end up with the same worker.
 */
export class ConnectionSpread {
  readonly server: Server;
  readonly #workers: () => Iterable<WorkerProcess>;
  readonly #kept: Socket[] = [];
  readonly #mostKept = Math.min(KEPT, connectionsFor(openFilesLimit() ?? USUAL_FILES));
  readonly #sent = () => this.changed();

  constructor(workers: () => Iterable<WorkerProcess>) {
    this.#workers = workers;
    this.server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (connection) => {
      // Until it is handed on nobody else hears its errors.
      connection.on("error", () => {});
      this.#spread(connection);
    });
  }

  /** A worker takes connections, or takes some again. */
  changed(): void {
    while (this.#kept.length > 0) {
      const worker = this.#choose();
      if (worker === undefined) return;
      worker.hand(this.#kept.shift()!, this.#sent);
    }
  }

  /** Stops listening. */
  close(): void {
    for (const connection of this.#kept.splice(0)) connection.destroy();
    // The port is free at once. The end that a server tells is that of its connections, which are the workers'.
    this.server.close();
  }

  #spread(connection: Socket): void {
    this.#kept.push(connection);
    this.changed();
    if (this.#kept.length > this.#mostKept) this.#kept.pop()!.destroy();
  }

  #choose(): WorkerProcess | undefined {
    let best: WorkerProcess | undefined;
    for (const worker of this.#workers()) {
      if (worker.takesConnections && (best === undefined || worker.connections < best.connections))
        best = worker;
    }
    return best;
  }
}
