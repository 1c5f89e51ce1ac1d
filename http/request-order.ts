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
  /** The last one that waits. */
  readonly last?: ServerResponse;
}

/** What nearly every connection has: no objects of a request, which would outlive it and cost more than all the rest. */
const ALL_SAFE: Unanswered = { allSafe: true, waiting: 0 };
const NOT_ALL_SAFE: Unanswered = { allSafe: false, waiting: 0 };

/** Fields of a connection; a WeakMap takes 20 µs for each. */
const UNANSWERED = Symbol("unanswered");
const CLOSING = Symbol("closing");

interface OrderedSocket extends Socket {
  [UNANSWERED]?: Unanswered;
  /** The request with which the client ends the connection. */
  [CLOSING]?: IncomingMessage | undefined;
}

/**
 * When pipelined requests begin (RFC 9112 9.3.2). Node begins each as soon as it has been read, and keeps the answers
 * in order. Here only safe ones go together: any other waits for the answers to those before it, and is waited for. A
 * request without others before it, which is nearly every one, begins at once.
 */
export class RequestOrder {
  /** Calls `begin` when it is the request's turn; never, if the connection ends before. */
  run(request: IncomingMessage, response: ServerResponse, begin: () => void): void {
    const socket: OrderedSocket = request.socket;
    const isSafe = SAFE.has(request.method!);
    if (!response.shouldKeepAlive) socket[CLOSING] = request;
    // Node gives a response the connection when those before it are complete.
    const before = response.socket === null ? socket[UNANSWERED] : undefined;
    const allSafe = isSafe && (before?.allSafe ?? true);
    if (before === undefined || (before.allSafe && isSafe)) {
      socket[UNANSWERED] = allSafe ? ALL_SAFE : NOT_ALL_SAFE;
      begin();
    } else if (before.waiting < MOST_WAITING) {
      socket[UNANSWERED] = { allSafe, waiting: before.waiting + 1, last: response };
      response.once("socket", () => process.nextTick(begin));
    } else {
      // The client makes this one again, on another connection (RFC 9112 9.3.1).
      before.last!.shouldKeepAlive = false;
      request.resume();
      socket.pause();
    }
  }

  /** True if the client has said that no other request comes (RFC 9112 9.6), and has sent all of that one. */
  isDone(socket: OrderedSocket): boolean {
    const closing = socket[CLOSING];
    socket[CLOSING] = undefined;
    return closing?.complete === true;
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
