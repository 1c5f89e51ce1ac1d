import type { Handler } from "../forms/context.ts";
import { nodeHandler } from "./exchange.ts";
import type { Node, Server } from "./types.ts";
import { takesUpgrade, upgrade } from "./upgrade.ts";

/** What the servers of a program are served by. */
export interface Serving {
  readonly started: boolean;
  start(handler: Handler): unknown;
  shutdown(): Promise<void>;
}

interface ListenOptions {
  readonly port: number;
  readonly host: string;
  readonly signal?: AbortSignal | undefined;
  readonly listener?: (() => void) | undefined;
}

/** Serves the first server of `node:http` that listens on the address of the instance, whatever address it names. */
export function serveListening(node: Node, serving: Serving): void {
  node.http.Server.prototype.listen = function (this: Server, ...args: unknown[]) {
    const { port, host, signal, listener } = readArguments(args);
    if (serving.started) {
      const error = new Error("A function has one server: it calls listen, or Deno.serve, twice.");
      queueMicrotask(() => this.emit("error", Object.assign(error, { code: "EADDRINUSE" })));
      return this;
    }
    if (listener) this.once("listening", listener);
    this._handle = {
      close: () => void serving.shutdown(),
      ...{ ref() {}, unref() {}, hasRef: () => true },
      getsockname: (address: object) => {
        Object.assign(address, { address: host, family: host.includes(":") ? "IPv6" : "IPv4", port });
        return 0;
      },
    };
    signal?.addEventListener("abort", () => this.close());
    const answer = nodeHandler(node, (incoming, outgoing) => {
      this.emit("request", incoming, outgoing);
    });
    serving.start((request, context) =>
      takesUpgrade(this, request) ? upgrade(node, this, { request, context }) : answer(request, context),
    );
    queueMicrotask(() => this.emit("listening"));
    return this;
  };
}

/** Reads `(port, host, backlog, listener)`, `(path, listener)` and `(options, listener)`. */
function readArguments(args: readonly unknown[]): ListenOptions {
  const listener = args.findLast((each) => typeof each === "function") as (() => void) | undefined;
  const [first, second] = args;
  const named = typeof first === "object" && first !== null ? (first as Record<string, unknown>) : undefined;
  const port = named ? named.port : first;
  const host = named ? named.host : second;
  return {
    // Deno.serve reports this port too.
    port: Number(port) > 0 ? Number(port) : 8000,
    host: typeof host === "string" && host !== "" ? host : "0.0.0.0",
    signal: named?.signal as AbortSignal | undefined,
    listener,
  };
}
