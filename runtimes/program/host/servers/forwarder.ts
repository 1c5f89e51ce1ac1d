import type { ClientRequest, IncomingMessage, RequestOptions, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { BUSY_HEADER } from "../../../../client-image/start-message.ts";
import type { HostCall } from "../host-call.ts";
import { http } from "../lean-http.ts";
import type { Platform } from "../platform-lines.ts";
import type { ServerAddress } from "./find-listener.ts";

/** Fields that each connection has of its own, and those between router and instance. */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  ..."connection expect keep-alive proxy-connection upgrade".split(" "),
  ...["x-skiff-wait", BUSY_HEADER],
]);

/** Passes calls on to a server over HTTP/1.1. */
export class Forwarder {
  readonly #target: RequestOptions;
  readonly #platform: Platform;
  readonly #running = new Map<string, HostCall>();

  constructor(target: ServerAddress, platform: Platform) {
    this.#target = "path" in target ? { socketPath: target.path } : { host: target.host, port: target.port };
    this.#platform = platform;
  }

  /** Ends a call whose client has left. Returns false if it does not run. */
  leave(callId: string): boolean {
    const call = this.#running.get(callId);
    call?.request.socket.destroy();
    return call !== undefined;
  }

  /** Resolves when the answer was delivered, one side has left, or the connection that it became is closed. */
  async answer(call: HostCall): Promise<void> {
    const { request, response, callId } = call;
    const { upgrade } = request.headers;
    const connection =
      upgrade === undefined ? ["connection", "close"] : ["connection", "upgrade", "upgrade", upgrade];
    const sent = http.request({
      ...this.#target,
      agent: false,
      method: request.method!,
      path: request.url!,
      headers: [...passedFields(request.rawHeaders), ...connection],
    });
    this.#running.set(callId, call);
    await new Promise<void>((resolve) => {
      this.#follow(call, sent, resolve);
      if (upgrade === undefined) request.pipe(sent);
      else sent.end();
      // The rest of a broken request.
      request.on("error", () => sent.destroy());
      if (call.hasLeft) response.destroy();
    });
    this.#running.delete(callId);
  }

  #follow(call: HostCall, sent: ClientRequest, onEnd: () => void): void {
    const { request, response, callId } = call;
    response.once("close", () => {
      if (!response.writableFinished) sent.destroy();
      onEnd();
    });
    const fail = (error: Error) => {
      if (!call.hasLeft)
        this.#platform.log("error", `The program broke the connection: ${error.message}`, callId);
      // The router reports it as a broken connection of the function.
      response.destroy();
      request.socket.destroy();
    };
    sent.once("response", (answer) => {
      try {
        relay(answer, response);
      } catch (error) {
        // Its status is one that Node reads and does not write, such as 099.
        fail(error as Error);
      }
    });
    sent.once("upgrade", (answer, server, head) => {
      const client = request.socket;
      response.detachSocket(client);
      client.write(headOf(answer));
      client.write(head);
      server.write(call.head);
      join(client, server);
      client.once("close", onEnd);
    });
    sent.on("error", fail);
  }
}

function relay(answer: IncomingMessage, response: ServerResponse): void {
  response.writeHead(answer.statusCode!, passedFields(answer.rawHeaders));
  response.flushHeaders();
  answer.pipe(response, { end: false });
  answer.once("end", () => {
    response.addTrailers(answer.trailers as Record<string, string>);
    response.end();
  });
  answer.once("error", () => response.destroy());
}

/** @param raw names and values in turn */
function passedFields(raw: readonly string[]): string[] {
  return raw.filter((_, i) => !CONNECTION_FIELDS.has(raw[i - (i % 2)]!.toLowerCase()));
}

/** Renders the head of a response that ends HTTP on its connection. */
function headOf({ statusCode, statusMessage, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

function join(client: Duplex, server: Duplex): void {
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.on("error", () => to.destroy());
    from.once("close", () => to.destroy());
    from.pipe(to);
  }
}
