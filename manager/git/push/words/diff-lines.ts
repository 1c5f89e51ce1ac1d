import { atMost } from "./ref-lines.ts";

const MOST_LINES = 20;
const HEADER = /^--- (?:a\/)?(.*)\n\+\+\+ (?:b\/)?(.*)\n/gm;
/** Parts of a plan that are no files. */
const OWN_PARTS = ["settings", "traffic"];

/**
 * Says in lines for a terminal what a unified diff of a plan changes: each changed setting and share of the calls, and the
 * names of files, whose contents git shows.
 */
export function diffLines(name: string, diff: string): string[] {
  const headers = [...diff.matchAll(HEADER)];
  const lines = headers.flatMap((header, index) => {
    const [whole, before = "", after = ""] = header;
    const path = after === "/dev/null" ? before : after;
    if (!OWN_PARTS.includes(path)) return [`${name}: changes ${path}`];
    const body = diff.slice(header.index + whole.length, headers[index + 1]?.index);
    return body
      .split("\n")
      .filter((line) => /^[+-]/.test(line))
      .map((line) => `${name}: ${path} ${line[0]} ${line.slice(1)}`);
  });
  return atMost(lines, MOST_LINES);
}
