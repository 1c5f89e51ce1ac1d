/**
 * Removes comments and trailing commas from JSON. Two passes by hand: a regular expression needs a stack as large as the
 * longest string, and searches repeatedly for the end of a comment that has none.
 */
export function plainJson(text: string): string {
  const bare = cut(text, (at) => endOfComment(text, at));
  return cut(bare, (at) => (isTrailingComma(bare, at) ? at + 1 : undefined));
}

/** Removes the ranges for whose start `endOf` returns an end. Strings stay as they are. */
function cut(text: string, endOf: (at: number) => number | undefined): string {
  const parts: string[] = [];
  let kept = 0;
  for (let at = 0; at < text.length; ) {
    if (text[at] === '"') {
      at = endOfString(text, at);
      continue;
    }
    const end = endOf(at);
    if (end === undefined) {
      at++;
      continue;
    }
    parts.push(text.slice(kept, at));
    kept = end;
    at = end;
  }
  parts.push(text.slice(kept));
  return parts.join("");
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function endOfComment(text: string, at: number): number | undefined {
  if (text[at] !== "/") return undefined;
  const isLine = text[at + 1] === "/";
  if (!isLine && text[at + 1] !== "*") return undefined;
  const end = isLine ? text.indexOf("\n", at) : text.indexOf("*/", at + 2);
  if (end < 0) return text.length;
  return isLine ? end : end + 2;
}

function isTrailingComma(text: string, at: number): boolean {
  if (text[at] !== ",") return false;
  let next = at + 1;
  while (next < text.length && " \t\r\n".includes(text[next]!)) next++;
  return text[next] === "}" || text[next] === "]";
}
