export interface DiffLine {
  readonly kind: "same" | "added" | "removed" | "gap" | "note";
  /** Numbers of the line before and after the change; neither for gaps and notes. */
  readonly before?: number;
  readonly after?: number;
  readonly text: string;
}

export interface FileDiff {
  readonly path: string;
  readonly lines: readonly DiffLine[];
  readonly added: number;
  readonly removed: number;
}

/** Reads a unified diff, as `GET /func/NAME/versions/N/diff` answers it, into files with numbered lines. */
export function parseDiff(text: string): readonly FileDiff[] {
  const files: { path: string; lines: DiffLine[] }[] = [];
  let [before, after, left, right] = [0, 0, 0, 0];
  for (const line of text.replace(/\n$/, "").split("\n")) {
    const file = files.at(-1);
    const isInHunk = left > 0 || right > 0;
    const hunk = isInHunk ? null : /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (hunk !== null && file !== undefined) {
      [before, left, after, right] = [1, 2, 3, 4].map((at) => Number(hunk[at] ?? 1)) as Four;
      file.lines.push({ kind: "gap", text: line });
    } else if (isInHunk && file !== undefined && /^[-+ ]/.test(line)) {
      const rest = line.slice(1);
      if (line.startsWith("+")) file.lines.push({ kind: "added", after: after++, text: rest });
      else if (line.startsWith("-")) file.lines.push({ kind: "removed", before: before++, text: rest });
      else file.lines.push({ kind: "same", before: before++, after: after++, text: rest });
      if (!line.startsWith("+")) left--;
      if (!line.startsWith("-")) right--;
    } else if (line.startsWith("--- ")) {
      files.push({ path: pathIn(line), lines: [] });
    } else if (line.startsWith("+++ ")) {
      // A new file has no name before it.
      if (file !== undefined && file.path === "/dev/null") file.path = pathIn(line);
    } else if (line.startsWith("\\") && file !== undefined) {
      file.lines.push({ kind: "note", text: line.slice(2) });
    } else if (line !== "") {
      // Such as `Binary files a/x and b/x differ`.
      files.push({ path: line, lines: [] });
    }
  }
  return files.map(({ path, lines }) => {
    const count = (kind: DiffLine["kind"]) => lines.filter((each) => each.kind === kind).length;
    return { path, lines, added: count("added"), removed: count("removed") };
  });
}

type Four = [number, number, number, number];

/** Without the side and the folder that keeps files of the source apart from the settings. */
function pathIn(line: string): string {
  return line
    .slice(4)
    .split("\t")[0]!
    .replace(/^[ab]\//, "")
    .replace(/^source\//, "");
}
