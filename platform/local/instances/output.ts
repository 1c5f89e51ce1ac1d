import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** Longer lines are split into pieces of this length. */
const LINE_CHARACTERS = 8_192;
/** Above this rate output is not read for a second, so that the writes of the instance block. */
const BYTES_PER_S = 1024 * 1024;
const SECOND_MS = 1_000;

/** Takes a line; `isCut`: it was too long, and its rest follows. */
export type OnOutput = (line: string, isCut?: boolean) => void;

/** Reads the output of a process as lines, at a bounded rate. */
export function readLines(stream: Readable, onLine: OnOutput): void {
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
    for (const line of lines) onLine(emitPieces(line, onLine));
    rest = emitPieces(rest, onLine);
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
    if (last !== "") onLine(emitPieces(last, onLine));
  });
}

/** Passes on the pieces of a long text, without splitting a surrogate pair. Returns the last piece. */
function emitPieces(text: string, onPiece: OnOutput): string {
  let rest = text;
  while (rest.length > LINE_CHARACTERS) {
    const isPair = /^[\ud800-\udbff][\udc00-\udfff]$/.test(
      rest.slice(LINE_CHARACTERS - 1, LINE_CHARACTERS + 1),
    );
    const end = isPair ? LINE_CHARACTERS - 1 : LINE_CHARACTERS;
    onPiece(rest.slice(0, end), true);
    rest = rest.slice(end);
  }
  return rest;
}
