/** A line of a body that Node's parser accepts and the fast path does not. */
export interface LessAccepted {
  readonly reason: string;
  readonly pattern: RegExp;
  /** Such a line, without its end. */
  readonly example: string;
}

/**
 * What the fast path does not accept in a body, if the body did not arrive with its head: with it, the request goes to
 * Node. It answers 400, and closes the connection.
 */
export const CHUNK_LINES: readonly LessAccepted[] = [
  { reason: "a size of more than 12 digits", pattern: /^[0-9A-Fa-f]{13,}[;\r]/, example: "0000000000005" },
  { reason: "an extension without a name", pattern: /;=/, example: "5;=b" },
  { reason: "an extension without a value", pattern: /;[^;="]+=[;\r]/, example: "5;a=" },
  { reason: "quotes behind a token", pattern: /;[^;="]+=[^;="]+"/, example: '5;a=b"c"' },
  { reason: "an escape in quotes", pattern: /;[^;="]+="[^\r]*\\/, example: '5;a="\\""' },
  { reason: "a tab in quotes", pattern: /;[^;="]+="[^\r]*\t/, example: '5;a="\t"' },
  { reason: "a byte beyond ASCII in quotes", pattern: /;[^;="]+="[^\r]*[\x80-\xff]/, example: '5;a="\xe9"' },
  { reason: "a line of more than 1 KiB", pattern: /^.{1023,}\r\n/s, example: `5;${"a".repeat(1_021)}` },
];
export const TRAILERS: readonly LessAccepted[] = [
  ...["Connection", "Expect", "Proxy-Connection", "TE", "Trailer", "Upgrade"].map((name) => ({
    reason: `${name} in a trailer`,
    pattern: new RegExp(`^${name}:`, "i"),
    example: `${name}: a`,
  })),
  { reason: "more than 8 KiB of trailers", pattern: /^.{8191,}\r\n/s, example: `x-a: ${"a".repeat(8_186)}` },
];
/** The fast path reads lines as a whole: it does not refuse the beginning of one. */
export const UNFINISHED = "a line that does not end";

/**
 * Returns the reason why the fast path does not accept the body of a request; undefined if there is none.
 * @param bytes a pipeline whose requests before it are valid
 * @param ordinal of the request
 */
export function reasonAgainst(bytes: string, ordinal: number): string | undefined {
  let at = 0;
  for (let i = 0; i <= ordinal; i++) {
    while (bytes[at] === "\r" || bytes[at] === "\n") at++;
    const end = bytes.indexOf("\r\n\r\n", at) + 4;
    if (end < 4) return undefined;
    const head = bytes.slice(at, end);
    at = end;
    if (!/^transfer-encoding:/im.test(head)) at += Number(/^content-length:\s*(\d+)/im.exec(head)?.[1] ?? 0);
    else {
      const { next, reason } = readChunks(bytes, at);
      if (i === ordinal) return reason;
      at = next;
    }
  }
  return undefined;
}

function readChunks(bytes: string, start: number): { next: number; reason: string | undefined } {
  let at = start;
  let reason: string | undefined;
  const readLine = (refused: readonly LessAccepted[]) => {
    const end = bytes.indexOf("\n", at) + 1 || bytes.length;
    const line = bytes.slice(at, end);
    at = end;
    reason ??= line.endsWith("\n") ? refused.find(({ pattern }) => pattern.test(line))?.reason : UNFINISHED;
    return line;
  };
  for (let size = Number.parseInt(readLine(CHUNK_LINES), 16); size > 0; ) {
    at += size + 2;
    size = Number.parseInt(readLine(CHUNK_LINES), 16);
  }
  while (at < bytes.length && readLine(TRAILERS) !== "\r\n");
  return { next: at, reason };
}
