import { Socket } from "node:net";
import { type Level, markEntry, streamOf } from "../../../client-image/console/marked-entry.ts";

/** What the host writes for the platform: the lines with its nonce, and the log. */
export class Platform {
  readonly #output = new Socket({ fd: 1, readable: false, writable: true });
  readonly #errors = new Socket({ fd: 2, readable: false, writable: true });
  readonly #streams = [this.#output, this.#errors];
  readonly #nonce: string | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(nonce: string | undefined) {
    this.#nonce = nonce;
    for (const stream of this.#streams) {
      // Nobody reads any more: standard input says that the platform has ended.
      stream.on("error", () => {});
      stream.on("drain", () => this.#release());
      stream.on("close", () => this.#release());
    }
  }

  printListening(): void {
    this.#print("listening");
  }

  printReady(): void {
    this.#print("ready");
  }

  /** The one call of the instance has come. */
  printSpent(): void {
    this.#print("spent");
  }

  printAlive(): void {
    this.#print("alive");
  }

  /** Writes one entry of the log. Returns false if the platform reads slower than this: wait for `drained` then. */
  log(level: Level, text: string, callId?: string): boolean {
    const stream = streamOf({ level }) === "stderr" ? this.#errors : this.#output;
    return write(stream, markEntry({ text, level, ...(callId === undefined ? {} : { callId }) }));
  }

  /** Writes a line of a program to standard error. Returns as `log` does. */
  logError(text: string, callId?: string): boolean {
    return write(
      this.#errors,
      markEntry({ text, level: "info", ...(callId === undefined ? {} : { callId }) }),
    );
  }

  /** Calls back once when the log takes more. */
  drained(onDrain: () => void): void {
    if (this.#streams.some(({ writableNeedDrain }) => writableNeedDrain)) this.#waiting.add(onDrain);
    else onDrain();
  }

  /** Resolves when everything has been written. */
  async written(): Promise<void> {
    const written = (stream: Socket) => new Promise<void>((resolve) => stream.write("", () => resolve()));
    await Promise.all(this.#streams.map(written));
  }

  #print(text: string): void {
    if (this.#nonce !== undefined) write(this.#output, `${this.#nonce} ${text}\n`);
  }

  #release(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const each of waiting) each();
  }
}

function write(stream: Socket, text: string): boolean {
  return stream.destroyed || stream.write(text);
}
