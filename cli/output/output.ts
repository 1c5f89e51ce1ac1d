import { styleText } from "node:util";
import { printableLines } from "../../process/printable.ts";

export type Style = Parameters<typeof styleText>[0];

export interface OutputOptions {
  readonly json: boolean;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** What a command prints: results on standard output, everything else on standard error. */
export class Output {
  /** Whether results are JSON. */
  readonly json: boolean;
  readonly #stdout: NodeJS.WriteStream;
  readonly #stderr: NodeJS.WriteStream;

  constructor({ json, stdout, stderr }: OutputOptions) {
    this.json = json;
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  /** Whether a person reads the progress of commands. */
  get isTerminal(): boolean {
    return this.#stderr.isTTY === true;
  }

  /** Prints the answer of the API as JSON with `--json`, else the lines. */
  result(answer: unknown, lines: () => readonly string[]): void {
    if (this.json) this.write(`${JSON.stringify(answer, undefined, 2)}\n`);
    else for (const line of lines()) this.line(line);
  }

  /** Prints text on standard output. Characters that control a terminal are escaped. */
  line(text: string): void {
    this.write(`${text}\n`);
  }

  /** Writes to standard output as it is. */
  write(data: string | Uint8Array): void {
    this.#stdout.write(data);
  }

  /** Prints a line on standard error. */
  note(text: string): void {
    this.#stderr.write(`${text}\n`);
  }

  /** Shows what is going on, on a terminal alone. The next call, or an empty text, replaces it. */
  progress(text: string): void {
    if (this.isTerminal && !this.json) this.#stderr.write(`\r\x1b[2K${text}`);
  }

  /** Colours text for standard output, if that is a terminal and `NO_COLOR` is not set. */
  style(style: Style, text: string): string {
    return styleText(style, text, { stream: this.#stdout });
  }

  /** Colours text for standard error. */
  styleNote(style: Style, text: string): string {
    return styleText(style, text, { stream: this.#stderr });
  }
}

/** Text of functions and servers, which may have characters that control a terminal. */
export function shown(value: unknown): string {
  return printableLines(String(value ?? ""));
}
