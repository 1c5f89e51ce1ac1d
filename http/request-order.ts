import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Methods that read only (RFC 9110 9.2.1): their order does not matter. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);
/** Most waiting requests of one connection. If a client sends more, it closes after their answers. */
const MOST_WAITING = 32;

/** The unanswered requests of one connection. */
interface Unanswered {
  readonly allSafe: boolean;
  readonly waiting: number;
  /** The response of the last waiting request. */
  readonly last?: ServerResponse;
}

/** Shared by nearly all connections: an object per request would outlive it and cost more than the rest. */
const ALL_SAFE: Unanswered = { allSafe: true, waiting: 0 };
const NOT_ALL_SAFE: Unanswered = { allSafe: false, waiting: 0 };

/** Members of a connection; an entry of a WeakMap takes 20 µs. */
const UNANSWERED = Symbol("unanswered");
const CLOSING = Symbol("closing");
const QUEUED = Symbol("queued");

interface OrderedSocket extends Socket {
  [UNANSWERED]?: Unanswered;
  /** The request that asks to close the connection. */
  [CLOSING]?: IncomingMessage | undefined;
  /** The responses whose turn has not come. */
  [QUEUED]?: Set<ServerResponse>;
}

/**
 * Orders pipelined requests (RFC 9112 9.3.2). Node starts each request as soon as it has been read, and keeps
 * the answers in order. Here only safe requests run together: any other waits for the answers before it, and
 * those after it wait. A request with none before it starts at once.
 */
export class RequestOrder {
  /** Calls `begin` when it is the request's turn; never if the connection ends before. */
  run(request: IncomingMessage, response: ServerResponse, begin: () => void): void {
    const socket: OrderedSocket = request.socket;
    const isSafe = SAFE.has(request.method!);
    if (!response.shouldKeepAlive) socket[CLOSING] = request;
    // Node assigns the connection to a response when those before it are complete.
    const before = response.socket === null ? socket[UNANSWERED] : undefined;
    if (response.socket === null) {
      socket[QUEUED] ??= new Set();
      socket[QUEUED].add(response);
      response.once("socket", () => socket[QUEUED]!.delete(response));
    }
    const allSafe = isSafe && (before?.allSafe ?? true);
    if (before === undefined || (before.allSafe && isSafe)) {
      socket[UNANSWERED] = allSafe ? ALL_SAFE : NOT_ALL_SAFE;
      begin();
    } else if (before.waiting < MOST_WAITING) {
      socket[UNANSWERED] = { allSafe, waiting: before.waiting + 1, last: response };
      response.once("socket", () => process.nextTick(begin));
    } else {
      // The client repeats this request on another connection (RFC 9112 9.3.1).
      before.last!.shouldKeepAlive = false;
      request.resume();
      socket.pause();
    }
  }

  /** Returns whether the client has announced its last request (RFC 9112 9.6) and has sent all of it. */
  isDone(socket: OrderedSocket): boolean {
    const closing = socket[CLOSING];
    socket[CLOSING] = undefined;
    return closing?.complete === true;
  }

  /** Calls `begin`, which takes the connection over, when all of its requests are answered. */
  takeOver(
    socket: Duplex & Pick<OrderedSocket, typeof QUEUED> & { _httpMessage?: ServerResponse | null },
    begin: () => void,
  ): void {
    const { _httpMessage: pending } = socket;
    if (!pending) begin();
    else {
      // Node has removed its listeners, and an error without a listener ends the process.
      if (!socket.listeners("error").includes(ignore)) {
        socket.on("error", ignore);
        // Node no longer closes the responses that are left, and their calls end with this event.
        socket.once("close", () => {
          for (const response of socket[QUEUED] ?? []) response.emit("close");
        });
      }
      pending.once("close", () => {
        if (socket.writable) this.takeOver(socket, begin);
        else socket.destroy();
      });
    }
  }
}

function ignore(): void {}
