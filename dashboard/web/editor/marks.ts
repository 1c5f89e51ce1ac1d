import type { Diagnostic } from "@codemirror/lint";
import type { Text } from "@codemirror/state";

/** A mark at a place of the text. Lines and columns count from 1. */
export interface Mark {
  readonly line: number;
  /** The whole line without it. */
  readonly column?: number;
  /** The rest of the word without it. */
  readonly endColumn?: number;
  readonly severity?: "error" | "warning" | "info";
  readonly text: string;
}

/** Returns marks as positions of a document. Marks behind its end stand in its last line. */
export function diagnosticsOf(marks: readonly Mark[], doc: Text): Diagnostic[] {
  return marks
    .map(({ line, column, endColumn, severity = "error", text }) => {
      const { from, to, text: content } = doc.line(Math.min(Math.max(1, line), doc.lines));
      const begin = Math.min(from + (column ?? 1) - 1, to);
      const word = column === undefined ? to - from : wordLength(content.slice(column - 1));
      const end = endColumn === undefined ? begin + word : from + endColumn - 1;
      return { from: begin, to: Math.min(Math.max(begin, end), to), severity, message: text };
    })
    .sort((a, b) => a.from - b.from);
}

function wordLength(text: string): number {
  return /^(?:[\p{L}\p{N}_$]+|.)/u.exec(text)?.[0].length ?? 0;
}
