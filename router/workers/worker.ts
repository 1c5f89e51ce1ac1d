/**
 * A worker of workers.ts: one of several routers on the same port, each a process of its own. It has a copy of all
 * endpoints, is handed connections, and ends with the process that started it.
 */
import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { readProcessMetrics } from "../../metrics/process-metrics.ts";
import type { FunctionStats } from "../metrics/stats.ts";
import { Router } from "../router.ts";
import { type CallServer, createCallServer, LAST_RESPONSES_MS } from "../server/call-server.ts";
import { limitConnections } from "../server/open-files.ts";
import { openTelemetry, type Telemetry } from "../telemetry/telemetry.ts";
import { passOn } from "./pass-on.ts";
import type { FromWorker, StartWorker, ToWorker } from "./worker-messages.ts";
import { receiveError } from "./worker-messages.ts";
import { WorkerPlatform } from "./worker-platform.ts";

/** Functions whose numbers are told without a pause. */
const FUNCTIONS_AT_A_TIME = 100;

class Worker {
  readonly #send: (message: FromWorker) => void;
  readonly #platform: WorkerPlatform;
  #telemetry: Telemetry | undefined;
  #router: Router | undefined;
  #server: CallServer | undefined;
  #connections = 0;
  #applied = 0;
  #isDraining = false;

  constructor(send: (message: FromWorker) => void) {
    this.#send = send;
    this.#platform = new WorkerPlatform(send);
  }

  take(message: ToWorker, connection: Socket | undefined): void {
    switch (message.type) {
      case "start":
        void this.#start(message);
        return;
      case "connection":
        // The client may have left on the way.
        if (connection !== undefined) this.#serve(connection);
        return;
      case "endpoints":
        this.#update(message);
        return;
      case "woken":
        this.#platform.woken(message.id, message.steps);
        return;
      case "not-woken":
        this.#platform.woken(message.id, receiveError(message.error));
        return;
      case "state":
        if (this.#router !== undefined) this.#router.isLeaving = true;
        if (message.state === "draining") void this.#drain(message.drainMs);
        return;
      case "count":
        void this.#count();
        return;
      case "ping":
        this.#send({ type: "alive", connections: this.#connections });
        return;
      case "end":
        void this.#end(message.withinMs);
    }
  }

  async #start({ limits, env, headersMs, management, functions }: StartWorker): Promise<void> {
    const print = (line: string) => this.#send({ type: "print", line });
    for (const endpoints of functions) this.#platform.update(endpoints.name, endpoints);
    try {
      this.#telemetry = await openTelemetry({ env, print });
    } catch (error) {
      this.#send({ type: "failed", reason: (error as Error).message });
      return;
    }
    const router = new Router({
      platform: this.#platform,
      limits,
      print,
      telemetry: this.#telemetry,
      draining: () => this.#isDraining,
    });
    this.#router = router;
    this.#server = createCallServer({
      router,
      limits,
      headersMs,
      other: management === undefined ? undefined : passOn(management),
    });
    limitConnections(this.#server, print);
    // Connections come from the primary instead of a port; the time limit of header blocks starts with this event.
    this.#server.emit("listening");
    this.#send({ type: "ready" });
  }

  #serve(connection: Socket): void {
    const server = this.#server!;
    if (this.#connections >= (server.maxConnections ?? Number.POSITIVE_INFINITY)) {
      connection.destroy();
      server.emit("drop");
      return;
    }
    this.#connections++;
    connection.once("close", () => this.#connections--);
    // What a server does with the connections that it accepts itself.
    connection.allowHalfOpen = true;
    connection.setNoDelay(true);
    server.emit("connection", connection);
  }

  /** Many changes of one turn are told as one. */
  #update({ change, name, endpoints }: ToWorker & { type: "endpoints" }): void {
    this.#platform.update(name, endpoints);
    const before = this.#applied;
    this.#applied = change;
    if (before === 0) {
      process.nextTick(() => {
        this.#send({ type: "applied", change: this.#applied });
        this.#applied = 0;
      });
    }
  }

  /** In parts, so that calls go on however many functions there are. */
  async #count(): Promise<void> {
    const router = this.#router;
    if (router === undefined) return;
    let functions: FunctionStats[] = [];
    for (const stats of router.stats()) {
      if (functions.push(stats) < FUNCTIONS_AT_A_TIME) continue;
      this.#send({ type: "stats", functions });
      functions = [];
      await setImmediate();
    }
    const rest = { totals: router.totals(), process: readProcessMetrics() };
    this.#send({ type: "stats", functions, rest });
  }

  async #drain(drainMs: number): Promise<void> {
    this.#isDraining = true;
    await this.#router?.close({ drainMs });
    this.#send({ type: "drained" });
  }

  async #end(withinMs: number): Promise<void> {
    this.#platform.close();
    await this.#server?.lingering.settled(Math.min(withinMs, LAST_RESPONSES_MS));
    this.#server?.closeAllConnections();
    await this.#telemetry?.close({ withinMs });
    process.exit(0);
  }
}

// At a terminal these reach every process of the group: the primary says what is to be done.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
process.once("disconnect", () => process.exit(1));
const worker = new Worker((message) => {
  if (process.connected) process.send!(message);
});
process.on("message", (message: ToWorker, connection: Socket | undefined) =>
  worker.take(message, connection),
);
