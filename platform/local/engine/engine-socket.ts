import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { EngineError, EngineGone } from "./engine-error.ts";

export interface EngineRequest {
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

const NOT_THERE = new Set<unknown>(["ENOENT", "ECONNREFUSED", "EACCES", "ECONNRESET", "EPIPE"]);

/** HTTP over the Unix socket of an engine. Paths have no version, so each engine answers in its newest one. */
export class EngineSocket {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Returns the body of an answer, as JSON where it is.
   * @throws EngineError, EngineGone; the reason of the signal
   */
  async call(method: string, path: string, order: EngineRequest): Promise<unknown> {
    const response = await this.open(method, path, order);
    const body = await this.read(response, order.signal);
    return response.headers["content-type"]?.startsWith("application/json") && body !== ""
      ? JSON.parse(body)
      : body;
  }

  /** @throws as `call` */
  read(response: IncomingMessage, signal: AbortSignal): Promise<string> {
    return withReason(signal, text(response));
  }

  /** Returns an answer whose body is still to be read. @throws as `call` */
  async open(method: string, path: string, order: EngineRequest): Promise<IncomingMessage> {
    const sent = this.#send(method, path, order);
    const response = await withReason(
      order.signal,
      new Promise<IncomingMessage>((resolve, reject) => {
        sent.once("response", resolve).once("error", (error) => reject(this.#explain(error)));
      }),
    );
    return await this.#check(response, order.signal);
  }

  /**
   * Turns the connection into a stream in both directions. Its end for writing is passed on. `signal` covers the
   * request only.
   * @throws as `call`
   */
  async upgrade(path: string, order: EngineRequest): Promise<{ socket: Socket; head: Buffer }> {
    const headers = { ...order.headers, connection: "Upgrade", upgrade: "tcp" };
    const sent = this.#send("POST", path, { ...order, headers });
    const result = await withReason(
      order.signal,
      new Promise<{ socket: Socket; head: Buffer } | IncomingMessage>((resolve, reject) => {
        sent
          .once("upgrade", (_, socket: Socket, head) => resolve({ socket, head }))
          .once("response", resolve)
          .once("error", (error) => reject(this.#explain(error)));
      }),
    );
    if ("socket" in result && "head" in result) return result;
    const response = await this.#check(result, order.signal);
    response.destroy();
    throw new EngineError(response.statusCode ?? 0, "the engine did not open a stream");
  }

  #send(method: string, path: string, { query, body, headers, signal }: EngineRequest): ClientRequest {
    signal.throwIfAborted();
    const search = query && Object.keys(query).length > 0 ? `?${new URLSearchParams(query)}` : "";
    const json = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const sent = request({
      socketPath: this.path,
      // A connection costs little, and an idle one may be closed under a request.
      agent: false,
      method,
      path: path + search,
      headers: {
        host: "engine",
        ...(json ? { "content-type": "application/json", "content-length": json.length } : {}),
        ...headers,
      },
      ...(headers?.upgrade === undefined ? { signal } : {}),
    });
    if (headers?.upgrade !== undefined) {
      const abort = () => sent.destroy();
      signal.addEventListener("abort", abort, { once: true });
      const settle = () => signal.removeEventListener("abort", abort);
      sent.once("upgrade", settle).once("response", settle).once("close", settle);
    }
    sent.end(json);
    return sent;
  }

  #explain(error: NodeJS.ErrnoException): Error {
    if (!NOT_THERE.has(error.code)) return error;
    return new EngineGone(`no container engine answers on ${this.path} (${error.code})`, { cause: error });
  }

  async #check(response: IncomingMessage, signal: AbortSignal): Promise<IncomingMessage> {
    const { statusCode = 0 } = response;
    // 304: it was so already.
    if (statusCode < 300 || statusCode === 304) return response;
    throw new EngineError(statusCode, messageOf(await this.read(response, signal), statusCode));
  }
}

function messageOf(body: string, status: number): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    if (typeof message === "string" && message !== "") return message;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return body.trim() || `the engine answered with status ${status}`;
}

/** Rejects with the reason of an aborted signal instead of the error that it caused. */
async function withReason<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!signal.aborted) throw error;
    const { reason } = signal;
    if (reason instanceof DOMException && reason.name === "TimeoutError") {
      throw new EngineGone("the container engine did not answer in time", { cause: error });
    }
    throw reason;
  }
}
