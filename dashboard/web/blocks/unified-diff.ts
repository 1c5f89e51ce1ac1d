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

/** Lines of git about a file as a whole that are worth a look. */
const ABOUT_FILE = /^(old mode|new mode|new file|deleted file|Binary files)/;

/**
 * Reads a unified diff into files with numbered lines: of two versions, as `GET /func/NAME/versions/N/diff` answers it, or
 * of git.
 */
export function parseDiff(text: string): readonly FileDiff[] {
  const files: { path: string; lines: DiffLine[]; isGit?: boolean }[] = [];
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
    } else if (!isInHunk && line.startsWith("diff --git ")) {
      files.push({ path: gitPath(line), lines: [], isGit: true });
    } else if (!isInHunk && file?.isGit && !file.lines.some(({ kind }) => kind === "gap")) {
      // The header of git has the path already, but for a file that was moved.
      const [, from] = /^(?:rename|copy) from (.*)/.exec(line) ?? [];
      const [, to] = /^(?:rename|copy) to (.*)/.exec(line) ?? [];
      if (from !== undefined) file.path = from;
      if (to !== undefined) file.path = `${file.path} → ${to}`;
      if (ABOUT_FILE.test(line)) file.lines.push({ kind: "note", text: line });
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

/** The path in `diff --git a/PATH b/PATH`, which has it twice unless the file was moved. */
function gitPath(line: string): string {
  const both = line.slice("diff --git ".length);
  const before = both.slice(0, (both.length - 1) / 2);
  return before.replace(/^"?a\//, "").replace(/"$/, "");
}

/** Without the side and the folder that keeps files of the source apart from the settings. */
function pathIn(line: string): string {
  return line
    .slice(4)
    .split("\t")[0]!
    .replace(/^[ab]\//, "")
    .replace(/^source\//, "");
}
