import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** Longer lines are cut into pieces of this many characters. */
const LINE_CHARACTERS = 8_192;
/** An instance that prints more is read no further until the second is over: its own writes then block. */
const BYTES_PER_S = 1024 * 1024;
const SECOND_MS = 1_000;

/** Reads a process's output as lines, no faster than the platform wants to handle them. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let bytes = 0;
  let sinceMs = performance.now();
  let resume: NodeJS.Timeout | undefined;

  stream.on("data", (chunk: Buffer) => {
    if (performance.now() - sinceMs >= SECOND_MS) {
      sinceMs = performance.now();
      bytes = 0;
    }
    bytes += chunk.length;
    const lines = (rest + decoder.write(chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) emitPieces(line, onLine);
    while (rest.length > LINE_CHARACTERS) {
      onLine(rest.slice(0, LINE_CHARACTERS));
      rest = rest.slice(LINE_CHARACTERS);
    }
    if (bytes <= BYTES_PER_S || resume) return;
    stream.pause();
    resume = setTimeout(() => {
      resume = undefined;
      stream.resume();
    }, SECOND_MS);
  });
  stream.on("close", () => {
    clearTimeout(resume);
    const last = rest + decoder.end();
    if (last !== "") emitPieces(last, onLine);
  });
}

function emitPieces(line: string, onLine: (line: string) => void): void {
  for (let at = 0; at === 0 || at < line.length; at += LINE_CHARACTERS) {
    onLine(line.slice(at, at + LINE_CHARACTERS));
  }
}

/** Control characters made visible, so that a function's output cannot steer the terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
  return text.replace(control, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
