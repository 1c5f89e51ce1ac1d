import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** RFC 9110 9.2.1: what reads only, whatever the order. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);
/** Requests of one connection that wait; the connection ends with the last one's answer if a client sends more. */
const MOST_WAITING = 32;

/** The requests of one connection that are not answered yet. */
interface Unanswered {
  readonly allSafe: boolean;
  readonly waiting: number;
  readonly last: ServerResponse;
}

/**
 * When pipelined requests begin (RFC 9112 9.3.2). Node begins each as soon as it has been read, and keeps the answers
 * in order. Here only safe ones go together: any other waits for the answers to those before it, and is waited for. A
 * request without others before it, which is nearly every one, begins at once.
 */
export class RequestOrder {
  readonly #unanswered = new WeakMap<Socket, Unanswered>();

  /** Calls `begin` when it is the request's turn; never, if the connection ends before. */
  run(request: IncomingMessage, response: ServerResponse, begin: () => void): void {
    const { socket } = request;
    const isSafe = SAFE.has(request.method!);
    // Node gives a response the connection when those before it are complete.
    const before = response.socket === null ? this.#unanswered.get(socket) : undefined;
    const isNow = before === undefined || (before.allSafe && isSafe);
    const allSafe = isSafe && (before?.allSafe ?? true);
    const waiting = isNow ? 0 : before.waiting + 1;
    if (waiting > MOST_WAITING) {
      // The client makes this one again, on another connection (RFC 9112 9.3.1).
      before!.last.shouldKeepAlive = false;
      request.resume();
      socket.pause();
      return;
    }
    this.#unanswered.set(socket, { allSafe, waiting, last: response });
    if (isNow) begin();
    else response.once("socket", () => process.nextTick(begin));
  }

  /** The same for what takes a connection over, when all requests on it are answered. */
  takeOver(socket: Duplex & { _httpMessage?: ServerResponse | null }, begin: () => void): void {
    const { _httpMessage: pending } = socket;
    if (!pending) begin();
    else {
      // Node has taken its listeners away. An error is followed by close, which nobody here waits for.
      if (!socket.listeners("error").includes(ignore)) socket.on("error", ignore);
      pending.once("close", () => {
        if (socket.writable) this.takeOver(socket, begin);
        else socket.destroy();
      });
    }
  }
}

function ignore(): void {}
