import { isMap, type Pair, type YAMLMap } from "yaml";
import { KEYS, STEP_KEYS } from "../../../../platform/flows/definition/reading/keys.ts";
import { colonOf, type Draft, endOf, endOfPair, keyOf, type Path, pairOf, rangeOf } from "./draft.ts";
import { type Style, writePair, writeValue } from "./write.ts";

/** Sets a member, whatever it was before. Objects on the way that are absent are made. */
export function setMember(draft: Draft, path: Path, value: unknown): void {
  const [parent, key] = [path.slice(0, -1), path.at(-1)!];
  const map = draft.mapAt(parent);
  if (map === undefined) {
    if (parent.length === 0)
      draft.replace(
        draft.text.length,
        draft.text.length,
        `${writePair(key, value, styleOf(draft))}${draft.eol}`,
      );
    else setMember(draft, parent, { [key]: value });
    return;
  }
  const pair = pairOf(map, key);
  if (pair === undefined)
    insertPair(draft, { map, after: neighbour(map, path) }, (style, column) =>
      writePair(key, value, style, column),
    );
  else replaceValue(draft, { map, pair }, value);
}

/** Removes a member, and the object that had no other one. */
export function removeMember(draft: Draft, path: Path): void {
  const parent = path.slice(0, -1);
  const map = draft.mapAt(parent);
  const pair = map && pairOf(map, path.at(-1)!);
  if (map === undefined || pair === undefined) return;
  const isStep = parent.length === 2 && isStepsKey(parent[0]);
  if (
    map.items.length === 1 &&
    parent.length > 0 &&
    parent[0] !== undefined &&
    !isStep &&
    path[0] !== "steps"
  ) {
    removeMember(draft, parent);
  } else removePair(draft, map, pair);
}

export function isStepsKey(key: string | undefined): boolean {
  return key === "steps" || key === "finally";
}

interface Place {
  readonly map: YAMLMap;
  /** Undefined: before all others. */
  readonly after: Pair | undefined;
}

/** Inserts a member into an object. @param write is told the style and the column of the key */
export function insertPair(
  draft: Draft,
  { map, after }: Place,
  write: (style: Style, column: number) => string,
): void {
  const { text, eol } = draft;
  const style = styleOf(draft, map);
  const [first] = map.items;
  const [start, end] = rangeOf(map);
  if (first === undefined) {
    draft.replace(start, end, `{ ${write({ ...style, isFlow: true }, 0)} }`);
    return;
  }
  const key = rangeOf(first.key)[0];
  const column = draft.columnOf(key);
  const isOwnLine = !map.flow || draft.isFirstOfLine(key);
  const indent = " ".repeat(column);
  const between = isOwnLine ? `${eol}${indent}` : map.flow ? " " : "";
  const written = write(style, column);
  if (after === undefined) draft.replace(key, key, `${written}${map.flow ? "," : ""}${between}`);
  else if (map.flow) {
    const at = endOfPair(text, after);
    draft.replace(at, at, `,${between}${written}`);
  } else {
    const at = afterComments(draft, endOfPair(text, after), after === map.items.at(-1) ? column : column + 1);
    draft.replace(at, at, `${between}${written}`);
  }
}

/** Returns the end of the line, or of the comments of this depth that follow it. */
function afterComments(draft: Draft, offset: number, column: number): number {
  let end = draft.lineEnd(offset);
  let at = end;
  while (at < draft.text.length) {
    const start = draft.text.indexOf("\n", at) + 1;
    if (start === 0) break;
    const next = draft.lineEnd(start);
    const [, indent] = /^( *)#/.exec(draft.text.slice(start, next)) ?? [];
    if (indent === undefined || indent.length < column) break;
    [end, at] = [next, next];
  }
  return end;
}

function removePair(draft: Draft, map: YAMLMap, pair: Pair): void {
  const index = map.items.indexOf(pair);
  const start = rangeOf(pair.key)[0];
  const next = map.items[index + 1];
  if (map.flow) {
    removeFlow(
      draft,
      { start, end: endOfPair(draft.text, pair) },
      {
        next: next && rangeOf(next.key)[0],
        previous: map.items[index - 1] && endOfPair(draft.text, map.items[index - 1]!),
        whole: rangeOf(map),
      },
    );
  } else if (draft.isFirstOfLine(start)) removeLines(draft, start, endOfPair(draft.text, pair));
  // The first member after the dash of a list.
  else if (next !== undefined) draft.replace(start, rangeOf(next.key)[0], "");
  else draft.replace(start, endOfPair(draft.text, pair), "{}");
}

interface Around {
  /** Where the next one begins, and the one before ends. */
  readonly next: number | undefined;
  readonly previous: number | undefined;
  readonly whole: readonly [start: number, end: number];
}

/** Removes one member of `{ }` or `[ ]` with its comma. */
export function removeFlow(
  draft: Draft,
  { start, end }: { readonly start: number; readonly end: number },
  { next, previous, whole }: Around,
): void {
  if (next !== undefined) draft.replace(start, next, "");
  else if (previous !== undefined) draft.replace(previous, end, "");
  else draft.replace(whole[0] + 1, whole[1] - 1, "");
}

/** Removes whole lines, with the comments within. */
export function removeLines(draft: Draft, start: number, end: number): void {
  const from = draft.lineStart(start);
  const last = afterComments(draft, end, draft.columnOf(start) + 1);
  const newline = draft.text.indexOf("\n", last);
  if (newline >= 0) draft.replace(from, newline + 1, "");
  else draft.replace(from === 0 ? 0 : draft.lineEnd(from - 1), last, "");
}

function replaceValue(draft: Draft, { map, pair }: { map: YAMLMap; pair: Pair }, value: unknown): void {
  const { text } = draft;
  const style = styleOf(draft, map);
  const column = draft.columnOf(rangeOf(pair.key)[0]);
  const colon = colonOf(text, pair) + 1;
  const written = writeValue(value, style, column);
  const isEmpty = endOfPair(text, pair) === colon;
  const [start] = isEmpty ? [colon] : rangeOf(pair.value);
  const isInline = !isEmpty && !text.slice(colon, start).includes("\n");
  // What stands between the colon and a value in its line stays.
  if (isInline && written.startsWith(" ")) {
    draft.replace(start, endOf(text, pair.value as YAMLMap), written.slice(1));
  } else draft.replace(colon, endOfPair(text, pair), written);
}

export function styleOf(draft: Draft, map?: unknown): Style {
  return { isJson: draft.isJson, isFlow: isMap(map) && map.flow === true, eol: draft.eol };
}

/** Members have the order of the documentation where the text leaves it open. */
function neighbour(map: YAMLMap, path: Path): Pair | undefined {
  const order: readonly string[] | undefined = orderOf(path);
  const rank = order?.indexOf(path.at(-1)!) ?? -1;
  if (order === undefined || rank < 0) return map.items.at(-1);
  return map.items.findLast((pair) => order.indexOf(keyOf(pair)) < rank);
}

function orderOf(path: Path): readonly string[] | undefined {
  if (path.length === 1) return KEYS.flow;
  if (path.length === 2 && path[0] === "on") return KEYS.on;
  return path.length === 3 && isStepsKey(path[0]) ? STEP_KEYS : undefined;
}
