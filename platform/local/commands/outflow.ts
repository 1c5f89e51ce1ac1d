import { PassThrough, type Readable } from "node:stream";

/** One output of a command. Its end does not wait for whoever reads it. */
export class Outflow {
  readonly readable = new PassThrough();
  readonly #from: Readable;
  #isRest = false;

  /** @param isExpected whether a connection that breaks is no fault */
  constructor(from: Readable, isExpected: () => boolean = () => false) {
    this.#from = from;
    // Whoever reads gets it; nobody may.
    this.readable.on("error", () => {});
    from.on("error", (error) => {
      if (isExpected()) this.readable.end();
      else this.readable.destroy(error);
    });
    from.pipe(this.readable);
    // The reader has left.
    this.readable.once("close", () => from.resume());
  }

  /** Takes what an ended command has left in pipes and sockets, which is little. */
  readRest(): void {
    if (this.#isRest) return;
    this.#isRest = true;
    const { readable } = this;
    this.#from.unpipe(readable);
    if (this.#from.readableEnded || this.#from.destroyed) readable.end();
    this.#from.on("data", (chunk) => readable.writable && readable.write(chunk));
    this.#from.on("end", () => readable.end());
    this.#from.resume();
  }
}
