/** WebSockets of programs for Node, such as those that use the package `ws`, which write frames to a socket. */

import { nativeResponse } from "../answers/native-response.ts";
import { concat } from "../bytes.ts";
import type { Context } from "../forms/context.ts";
import { headersOf } from "./exchange.ts";
import { incomingOf } from "./incoming.ts";
import { callSocket } from "./socket.ts";
import type { Duplex, Emitter, Node } from "./types.ts";
import { encodeFrame, FrameReader, OPCODE } from "./web-socket-frames.ts";

interface UpgradeCall {
  readonly request: Request;
  readonly context: Context;
}

const SWITCHING_PROTOCOLS = 101;
const NO_STATUS = 1005;

export function takesUpgrade(server: Emitter, { headers }: Request): boolean {
  return headers.get("upgrade")?.toLowerCase() === "websocket" && server.listenerCount("upgrade") > 0;
}

/** Emits `upgrade`. Answers with the head that the program writes. */
export function upgrade(node: Node, server: Emitter, call: UpgradeCall): Promise<Response> {
  const { socket, request, response } = new Upgrade(node, call);
  const incoming = incomingOf(node, request, { socket, without: "sec-websocket-extensions" });
  server.emit("upgrade", incoming, socket, new Uint8Array());
  return response;
}

class Upgrade {
  readonly request: Request;
  readonly response: Promise<Response>;
  readonly socket: Duplex;
  readonly #deferred = Promise.withResolvers<Response>();
  readonly #frames = new FrameReader((opcode, payload) => this.#send(opcode, payload));
  /** Written and not yet passed on: the head, and frames until the connection is open. */
  #pending = new Uint8Array();
  #hasHead = false;
  #webSocket: WebSocket | undefined;

  constructor(node: Node, { request, context }: UpgradeCall) {
    this.request = request;
    this.response = this.#deferred.promise;
    this.socket = callSocket(node, {
      remoteAddress: context.remoteAddr.hostname,
      write: (chunk, done) => {
        this.#write(chunk);
        done();
      },
      end: () => this.#end(),
      destroyed: (error) => this.#end(error ?? undefined),
    });
  }

  #write(chunk: Uint8Array): void {
    if (this.#webSocket?.readyState === WebSocket.OPEN) {
      this.#frames.read(chunk);
      return;
    }
    this.#pending = concat(this.#pending, chunk);
    if (!this.#hasHead) this.#readHead();
  }

  #readHead(): void {
    const text = new TextDecoder("latin1").decode(this.#pending);
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) return;
    this.#hasHead = true;
    const head = text.slice(0, end);
    this.#pending = this.#pending.slice(end + 4);
    if (Number(head.split(" ")[1]) === SWITCHING_PROTOCOLS) this.#open(new Headers(headersOf(head)));
    else this.#refuse(head);
  }

  /** The program does not upgrade: what it writes until it ends is the answer. */
  #refuse(head: string): void {
    this.#end = () => {
      const Native = nativeResponse();
      const init = { status: Number(head.split(" ")[1]), headers: headersOf(head) };
      this.#deferred.resolve(new Native(this.#pending, init));
    };
  }

  #open(headers: Headers): void {
    const protocol = headers.get("sec-websocket-protocol");
    const { socket, response } = Deno.upgradeWebSocket(this.request, protocol === null ? {} : { protocol });
    this.#webSocket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#frames.read(this.#pending);
    socket.onmessage = ({ data }) => {
      const isText = typeof data === "string";
      const payload = isText ? new TextEncoder().encode(data) : new Uint8Array(data);
      this.socket.push(encodeFrame(isText ? OPCODE.text : OPCODE.binary, payload));
    };
    socket.onclose = ({ code, reason }) => {
      if (this.socket.destroyed) return;
      const status = code === NO_STATUS || code < 1000 ? [] : [code >> 8, code & 0xff];
      const text = status.length === 0 ? [] : new TextEncoder().encode(reason);
      this.socket.push(encodeFrame(OPCODE.close, new Uint8Array([...status, ...text])));
      this.socket.push(null);
    };
    socket.onerror = () => this.socket.destroy();
    this.#deferred.resolve(response);
  }

  #send(opcode: number, payload: Uint8Array<ArrayBuffer>): void {
    const socket = this.#webSocket!;
    if (opcode === OPCODE.ping) this.socket.push(encodeFrame(OPCODE.pong, payload));
    if (socket.readyState !== WebSocket.OPEN) return;
    if (opcode === OPCODE.text) socket.send(new TextDecoder().decode(payload));
    else if (opcode === OPCODE.binary) socket.send(payload);
    else if (opcode === OPCODE.close) closeWith(socket, payload);
  }

  #end: (error?: Error) => void = (error) => {
    this.#deferred.reject(error ?? new Error("The program closed the connection instead of upgrading it"));
    if (this.#webSocket?.readyState === WebSocket.OPEN) this.#webSocket.close();
  };
}

/** Closes with the code of a Close frame, if a program may send it (RFC 6455, section 7.4). */
function closeWith(socket: WebSocket, payload: Uint8Array): void {
  const code = payload.length < 2 ? NO_STATUS : payload[0]! * 256 + payload[1]!;
  if (code === 1000 || (code >= 3000 && code <= 4999)) {
    socket.close(code, new TextDecoder().decode(payload.subarray(2)));
  } else socket.close();
}
