/** Where a place of a text is, found by its lines: texts that are being written cannot be parsed. */
export interface Context {
  /** Keys that lead to the object whose key, or to the value, is written here. */
  readonly path: readonly string[];
  readonly isKey: boolean;
  /** Where the word that is being written begins. */
  readonly from: number;
  /** Keys that the object has in other lines. */
  readonly taken: readonly string[];
}

interface Line {
  readonly indent: number;
  readonly key: string | undefined;
  readonly isItem: boolean;
}

const KEY = /^("[^"]*"|'[^']*'|[^\s"'{}[\],#][^:#]*?)\s*:(?=\s|$)/;

export function contextAt(text: string, offset: number): Context {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const before = text.slice(start, offset);
  const lines = text.slice(0, start).split(/\r?\n/).slice(0, -1);
  const indent = /^[\s-]*/.exec(before)![0].length;
  const isItem = /^\s*-/.test(before);
  const parents = parentsOf(lines, isItem ? before.indexOf("-") : indent, isItem);
  const inside = flowOf(before.slice(indent));
  const path = [...parents, ...inside.path];
  const from = offset - inside.word.length;
  const taken = inside.depth > 0 ? inside.taken : takenAround(text, { start, indent, isItem });
  return { path, isKey: inside.isKey, from, taken };
}

/** Keys of the lines above that a line of this depth belongs to. */
function parentsOf(lines: readonly string[], indent: number, isItem: boolean): readonly string[] {
  const path: string[] = isItem ? ["0"] : [];
  let depth = isItem ? indent + 0.5 : indent;
  for (const line of lines.toReversed()) {
    if (line.trim() === "" || line.trim().startsWith("#")) continue;
    const found = lineOf(line);
    // The key in a line with a dash is deeper than the dash.
    const column = found.isItem ? line.search(/[^\s-]/) : found.indent;
    if (found.key !== undefined && column < depth) {
      path.unshift(found.key);
      depth = column;
    }
    if (found.isItem && found.indent < Math.floor(depth)) {
      path.unshift("0");
      depth = found.indent + 0.5;
    }
    if (depth <= 0) break;
  }
  return path;
}

function lineOf(line: string): Line {
  const indent = line.search(/\S/);
  const content = line.trim().replace(/^(-\s+)+/, "");
  const key = KEY.exec(content)?.[1]?.replace(/^["']|["']$/g, "");
  return { indent, key, isItem: line.trim().startsWith("-") };
}

/** Keys of the same object in other lines. */
function takenAround(
  text: string,
  { start, indent, isItem }: { readonly start: number; readonly indent: number; readonly isItem: boolean },
): readonly string[] {
  if (isItem) return [];
  const [above, below] = [
    text.slice(0, start).split(/\r?\n/).slice(0, -1).toReversed(),
    text.slice(start).split(/\r?\n/).slice(1),
  ];
  const own = (lines: readonly string[]) => {
    const keys: string[] = [];
    for (const line of lines) {
      if (line.trim() === "" || line.trim().startsWith("#")) continue;
      const column = line.search(/[^\s-]/);
      if (column < indent) break;
      const { key } = lineOf(line);
      if (column === indent && key !== undefined) keys.push(key);
    }
    return keys;
  };
  return [...own(above), ...own(below)];
}

interface Flow {
  readonly path: readonly string[];
  readonly isKey: boolean;
  readonly word: string;
  readonly depth: number;
  readonly taken: readonly string[];
}

/** Follows keys and brackets of a line up to the place. */
function flowOf(line: string): Flow {
  const open: { kind: "{" | "["; key?: string; taken: string[] }[] = [];
  const path: string[] = [];
  let rest = line;
  let isKey = true;
  while (rest !== "") {
    const inList = open.at(-1)?.kind === "[";
    const key = isKey && !inList ? KEY.exec(rest) : null;
    if (key !== null) {
      const name = key[1]!.replace(/^["']|["']$/g, "");
      path.push(name);
      open.at(-1)?.taken.push(name);
      isKey = false;
      rest = rest.slice(key[0].length).trimStart();
      continue;
    }
    const [character] = rest;
    if (character === "{" || character === "[") {
      open.push({ kind: character, taken: [] });
      isKey = character === "{";
      if (character === "[") path.push("0");
      rest = rest.slice(1).trimStart();
    } else if (character === "}" || character === "]") {
      if (character === "]" || !isKey) path.pop();
      open.pop();
      isKey = false;
      rest = rest.slice(1).trimStart();
    } else if (character === "," && open.length > 0) {
      if (open.at(-1)!.kind === "{") {
        if (!isKey) path.pop();
        isKey = true;
      }
      rest = rest.slice(1).trimStart();
    } else {
      const word = /^("[^"]*"?|'[^']*'?|[^,{}[\]]+)/.exec(rest)?.[0] ?? rest;
      if (word.length === rest.length) break;
      rest = rest.slice(word.length).trimStart();
    }
  }
  return { path, isKey, word: rest, depth: open.length, taken: open.at(-1)?.taken ?? [] };
}
