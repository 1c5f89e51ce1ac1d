import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Channel } from "./channel.ts";
import type { Reader } from "./reader.ts";

/** Turns of the event loop after which bytes that did not move are not waited for: the reader has stopped reading. */
const STALLED_TURNS = 100;

/** A connection over the system's sockets. */
export class Loopback implements Channel {
  readonly port: number;
  output = "";
  isClosed = false;
  isReset = false;
  activity = 0;
  readonly #socket: Socket;
  readonly #reader: Reader;
  #sent = 0;
  #stalledTurns = 0;
  #stalledAt = 0;

  static async open(reader: Reader, isSlow: boolean): Promise<Loopback> {
    const { port } = reader.server.address() as AddressInfo;
    const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    await once(socket, "connect");
    return new Loopback(socket, reader, isSlow);
  }

  private constructor(socket: Socket, reader: Reader, isSlow: boolean) {
    this.#socket = socket;
    this.#reader = reader;
    this.port = socket.localPort!;
    const closed = () => {
      this.isClosed = true;
      this.activity++;
    };
    socket.on("end", closed).on("close", closed);
    socket.on("error", () => {
      this.isReset = true;
    });
    socket.on("data", (bytes: Buffer) => {
      this.output += bytes.toString("latin1");
      this.activity++;
      if (!isSlow) return;
      socket.pause();
      setImmediate(() => socket.resume());
    });
  }

  /** Bytes that are on their way count as still after some turns in which they did not move. */
  get isMoving(): boolean {
    const { read, written } = this.#reader.counted(this.port);
    if (this.#socket.destroyed || (read >= this.#sent && this.#socket.bytesRead >= written)) return false;
    const at = read + this.#socket.bytesRead;
    this.#stalledTurns = at === this.#stalledAt ? this.#stalledTurns + 1 : 0;
    this.#stalledAt = at;
    return this.#stalledTurns < STALLED_TURNS;
  }

  send(bytes: Buffer): void {
    this.activity++;
    this.#sent += bytes.length;
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  finish(): void {
    this.activity++;
    this.#socket.end();
  }

  abort(): void {
    this.activity++;
    this.#socket.resetAndDestroy();
  }
}
