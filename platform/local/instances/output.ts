import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** Longer lines are split into pieces of this length. */
const LINE_CHARACTERS = 8_192;
/** Above this rate output is not read for a second, so that the writes of the instance block. */
const BYTES_PER_S = 1024 * 1024;
const SECOND_MS = 1_000;

/** Reads the output of a process as lines, at a bounded rate. */
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
      const end = pieceEnd(rest, 0);
      onLine(rest.slice(0, end));
      rest = rest.slice(end);
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
  let at = 0;
  do {
    const end = pieceEnd(line, at);
    onLine(line.slice(at, end));
    at = end;
  } while (at < line.length);
}

/** Returns the end of the piece that begins at `at`, without splitting a surrogate pair. */
function pieceEnd(line: string, at: number): number {
  const end = at + LINE_CHARACTERS;
  const isPair = /^[\ud800-\udbff][\udc00-\udfff]$/.test(line.slice(end - 1, end + 1));
  return isPair ? end - 1 : end;
}
