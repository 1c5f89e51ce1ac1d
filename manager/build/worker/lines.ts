/** Where the lines of a text begin, as esbuild counts them: after LF, CR, CR LF, U+2028 and U+2029. */
export function* startsOfLines(text: string): Generator<number> {
  yield 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 13 && text.charCodeAt(at + 1) === 10) continue;
    if (code === 10 || code === 13 || code === 0x2028 || code === 0x2029) yield at + 1;
  }
}

/** The line with this number, from 1, without its end; undefined if there is none. */
export function lineAt(text: string, number: number): string | undefined {
  let current = 0;
  for (const start of startsOfLines(text)) {
    if (++current === number) return /^[^\n\r\u2028\u2029]*/.exec(text.slice(start))![0];
  }
  return undefined;
}

/** Length of the longest line with its end. */
export function longestLine(text: string): number {
  let longest = 0;
  let last = 0;
  for (const start of startsOfLines(text)) {
    longest = Math.max(longest, start - last);
    last = start;
  }
  return Math.max(longest, text.length - last);
}
