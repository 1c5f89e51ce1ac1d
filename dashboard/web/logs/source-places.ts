/** A part of a text; with a place where it names a line of the function's own code. */
export interface TextPart {
  readonly text: string;
  readonly place?: SourcePlace;
}

export interface SourcePlace {
  readonly file: string;
  readonly line: number;
}

/** Instances see the code of their function in a folder `code`, projects in `code/project`. */
const PLACE =
  /(?:file:\/\/)?\/(?:[\w.@-]+\/)*code\/(?<file>[\w./@-]+\.\w+):(?<line>\d+)(?::\d+)?|File "\/(?:[\w.@-]+\/)*code\/(?<python>[\w./@-]+\.py)", line (?<row>\d+)/g;

/** Finds the lines of code that a text names, such as those of a stack. Packages are not code of the function. */
export function partsByPlace(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let from = 0;
  for (const match of text.matchAll(PLACE)) {
    const { file, line, python, row } = match.groups!;
    const name = (file ?? python)!.replace(/^project\//, "");
    if (/(^|\/)(node_modules|site-packages|vendor)\//.test(name)) continue;
    if (match.index > from) parts.push({ text: text.slice(from, match.index) });
    parts.push({ text: match[0], place: { file: name, line: Number(line ?? row) } });
    from = match.index + match[0].length;
  }
  if (from < text.length || parts.length === 0) parts.push({ text: text.slice(from) });
  return parts;
}

/** The page of the code at a line, of the version that printed it where that is known. */
export function codeHref(name: string, { file, line }: SourcePlace, version?: number): string {
  const of = version === undefined ? {} : { version: String(version) };
  return `/functions/${name}/code?${new URLSearchParams({ file, line: String(line), ...of })}`;
}
