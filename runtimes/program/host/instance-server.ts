import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Place, Places } from "../../../client-image/places.ts";
import {
  BUSY_HEADER,
  GONE_HEADER,
  MOST_WAIT_MS,
  PLACE_HEADER,
  PROBE_HEADER,
  PROBE_PATH,
  type StartMessage,
  VERSION_HEADER,
  WAIT_HEADER,
} from "../../../client-image/start-message.ts";
import { HostCall } from "./host-call.ts";
import { http } from "./lean-http.ts";

/** Routers limit header blocks; this limit is above theirs. */
const HEADER_BYTES = 1024 * 1024;

export interface InstanceServerOptions {
  /** Answers an admitted call. Resolves when nothing of the call is left. */
  readonly answer: (call: HostCall) => Promise<void>;
  /** Ends a call whose client has left. Returns false if no such call runs. */
  readonly leave: (callId: string) => boolean;
  readonly places: Places;
  readonly version: number;
  /** Calls may ask for another protocol on their connection. Otherwise they are answered as if they did not. */
  readonly takesUpgrades: boolean;
}

/** The HTTP server of an instance: it answers probes, and admits calls to their places (docs/concurrency.md). */
export class InstanceServer {
  readonly #options: InstanceServerOptions;
  readonly #server: Server;
  readonly #running = new Set<Promise<void>>();
  #isDraining = false;

  constructor(options: InstanceServerOptions) {
    this.#options = options;
    // Routers limit the time of a call and of an idle connection.
    const limits = { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0, maxHeaderSize: HEADER_BYTES };
    const serve = (request: IncomingMessage, response: ServerResponse) => this.#serve(request, response);
    this.#server = http.createServer({ ...limits, noDelay: true }, serve);
    this.#server.maxHeadersCount = 0;
    // A client sends its body when the call is admitted.
    this.#server.on("checkContinue", serve);
    if (!options.takesUpgrades) return;
    this.#server.on("upgrade", (request, socket: Socket, head: Buffer) => {
      const response = new http.ServerResponse(request);
      response.assignSocket(socket);
      // The response may be an ordinary one, after which the connection closes.
      response.shouldKeepAlive = false;
      response.once("finish", () => socket.destroySoon());
      socket.on("error", () => {});
      this.#serve(request, response, head);
    });
  }

  /** @throws Error if the address cannot be used */
  listen(address: StartMessage["listen"]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen("unix" in address ? { path: address.unix } : { port: address.port }, resolve);
    });
  }

  /** Answers the calls under way and those that wait. Resolves when they are answered. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#server.close();
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #serve(request: IncomingMessage, response: ServerResponse, head?: Buffer): void {
    if (this.#isDraining) response.shouldKeepAlive = false;
    const isProbe = request.url!.endsWith(PROBE_PATH) && request.headers[PROBE_HEADER] !== undefined;
    const running = isProbe
      ? this.#answerProbe(request, response)
      : this.#answerCall(new HostCall(request, response, head));
    this.#running.add(running);
    // A call with processes that cannot be killed is rejected, and the instance ends with an error.
    void running.then(() => this.#running.delete(running));
  }

  async #answerCall(call: HostCall): Promise<void> {
    const { places, answer } = this.#options;
    const { request, response } = call;
    if (!places.take(call) && !(await places.wait(call, waitMsOf(request)))) {
      refuse(request, response);
      return;
    }
    const place: Place = places.hold(call);
    try {
      if (call.hasLeft) return;
      if (request.headers.expect !== undefined) response.writeContinue();
      place.isAnswered = true;
      await answer(call);
    } finally {
      place.end();
    }
  }

  /** Answers a probe without taking a place. It may end a call, or reserve a place for a call that follows. */
  async #answerProbe(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { places, leave, version } = this.#options;
    const headers: Record<string, string> = { [VERSION_HEADER]: String(version) };
    const leaver = request.headers[GONE_HEADER];
    if (typeof leaver === "string" && !leave(leaver)) places.giveUp(leaver);
    const follower = request.headers[PLACE_HEADER];
    if (follower === undefined && places.isSpent && places.oneCall!.refusesProbes) {
      refuse(request, response);
      return;
    }
    if (typeof follower === "string") {
      const call = new HostCall(request, response);
      if (!places.take(call) && !(await places.wait(call, waitMsOf(request)))) {
        refuse(request, response);
        return;
      }
      places.reserve(follower);
      headers[PLACE_HEADER] = follower;
    }
    response.writeHead(204, headers).end();
  }
}

/** How long a call may wait for a place: 0 if its header is absent or out of range. */
function waitMsOf({ headers }: IncomingMessage): number {
  const text = headers[WAIT_HEADER];
  const waitMs = typeof text === "string" && /^\d+$/.test(text) ? Number(text) : 0;
  return waitMs <= MOST_WAIT_MS ? waitMs : 0;
}

/** Refuses a call before its program runs. */
function refuse({ headers }: IncomingMessage, response: ServerResponse): void {
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  response.writeHead(503, {
    [BUSY_HEADER]: "1",
    "content-length": "0",
    ...(hasBody && { connection: "close" }),
  });
  response.end();
}
