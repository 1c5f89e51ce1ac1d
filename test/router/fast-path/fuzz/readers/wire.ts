import { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Channel } from "./channel.ts";

/** A connection in memory. What a client sends arrives at once, in parts that it determines. */
export class Wire extends Duplex implements Channel {
  readonly remoteAddress = "127.0.0.1";
  readonly remotePort: number;
  bytesRead = 0;
  bytesWritten = 0;
  output = "";
  activity = 0;
  isMoving = false;
  readonly isReset = false;
  #isEnded = false;
  readonly #isSlow: boolean;

  constructor(port: number, isSlow: boolean) {
    super({ allowHalfOpen: true });
    this.remotePort = port;
    this.#isSlow = isSlow;
  }

  get port(): number {
    return this.remotePort;
  }

  get isClosed(): boolean {
    return this.#isEnded || this.destroyed;
  }

  send(bytes: Buffer): void {
    if (this.destroyed) return;
    this.activity++;
    this.bytesRead += bytes.length;
    this.push(bytes);
  }

  finish(): void {
    this.activity++;
    if (!this.destroyed) this.push(null);
  }

  abort(): void {
    this.activity++;
    this.destroy(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }));
  }

  /** What is sent is pushed, whether it was asked for or not: a system holds it as well. */
  override _read(): void {}

  override _write(bytes: Buffer, _: BufferEncoding, done: () => void): void {
    this.activity++;
    this.bytesWritten += bytes.length;
    this.output += bytes.toString("latin1");
    if (!this.#isSlow) {
      done();
      return;
    }
    this.isMoving = true;
    setImmediate(() => {
      this.isMoving = false;
      done();
    });
  }

  override _final(done: () => void): void {
    this.activity++;
    this.#isEnded = true;
    done();
  }

  destroySoon(): void {
    Socket.prototype.destroySoon.call(this as unknown as Socket);
  }

  resetAndDestroy(): this {
    return this.destroy();
  }

  setTimeout(): this {
    return this;
  }
}
