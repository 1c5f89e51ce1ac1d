import { Socket } from "node:net";
import { type Level, markEntry } from "../../../client-image/console/marked-entry.ts";

/** What the host writes for the platform: the lines with its nonce, and the log. */
export class Platform {
  readonly #output = new Socket({ fd: 1, readable: false, writable: true });
  readonly #nonce: string | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(nonce: string | undefined) {
    this.#nonce = nonce;
    // Nobody reads any more: standard input says that the platform has ended.
    this.#output.on("error", () => {});
    this.#output.on("drain", () => this.#release());
    this.#output.on("close", () => this.#release());
  }

  printListening(): void {
    this.#print("listening");
  }

  printReady(): void {
    this.#print("ready");
  }

  printAlive(): void {
    this.#print("alive");
  }

  /** Writes one entry of the log. Returns false if the platform reads slower than this: wait for `drained` then. */
  log(level: Level, text: string, callId?: string): boolean {
    return this.#write(markEntry({ text, level, ...(callId === undefined ? {} : { callId }) }));
  }

  /** Calls back once when the log takes more. */
  drained(onDrain: () => void): void {
    if (this.#output.writableNeedDrain) this.#waiting.add(onDrain);
    else onDrain();
  }

  /** Resolves when everything has been written. */
  written(): Promise<void> {
    return new Promise((resolve) => this.#output.write("", () => resolve()));
  }

  #print(text: string): void {
    if (this.#nonce !== undefined) this.#write(`${this.#nonce} ${text}\n`);
  }

  #write(text: string): boolean {
    return this.#output.destroyed || this.#output.write(text);
  }

  #release(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const each of waiting) each();
  }
}
