import { isMap, isScalar, visit } from "yaml";
import { type Draft, EditFault, pairOf, rangeOf } from "./draft.ts";
import { inExpressions } from "./expressions.ts";
import type { AddEdit } from "./flow-edit.ts";
import { removeItem } from "./items.ts";
import { indexes, thenOf } from "./links.ts";
import { insertPair, removeMember, setMember } from "./members.ts";
import { pathOfStep, stepPaths } from "./step-paths.ts";
import { type Style, writeBlock, writePair } from "./write.ts";

const NAME = /^[a-z][a-z0-9_]{0,62}$/;
/** Reserved words of expressions. */
const WORDS = ["in", "true", "false", "null"];
/** Where a step is written as lines in all flows that are new. */
const EMPTY: Style = { isJson: false, isFlow: false, eol: "\n" };

/** Adds a step, and returns its name. */
export function addStep(draft: Draft, { name: wished, members, isFinally = false, after }: AddEdit): string {
  const name = freeName(
    wished,
    stepPaths(draft).map(([, step]) => step!),
  );
  const list = isFinally ? "finally" : "steps";
  const map = draft.mapAt([list]);
  if (map === undefined || map.items.length === 0) addFirst(draft, list, [name, members]);
  else {
    const isFlow = map.items.every(({ value }) => isMap(value) && value.flow === true);
    const anchor = (after === undefined ? undefined : pairOf(map, after)) ?? map.items.at(-1);
    insertPair(draft, { map, after: anchor }, (style, column) =>
      isFlow || style.isFlow
        ? writePair(name, members, { ...style, isFlow: true })
        : `${name}:${writeBlock(members, style, column)}`,
    );
  }
  return name;
}

/** Adds the first step of a flow, or of `finally`. */
function addFirst(draft: Draft, list: string, [name, members]: [string, AddEdit["members"]]): void {
  if (draft.isJson || draft.at([list]) !== undefined) {
    setMember(draft, [list], { [name]: members });
    return;
  }
  // A key without value, which the steps then follow.
  const map = draft.mapAt([]);
  if (map !== undefined && pairOf(map, list) !== undefined) {
    const colon = draft.text.indexOf(":", rangeOf(pairOf(map, list)!.key)[1]);
    const end = draft.lineEnd(colon);
    draft.replace(end, end, `${draft.eol}  ${name}:${writeBlock(members, { ...EMPTY, eol: draft.eol }, 2)}`);
    return;
  }
  const written = `${list}:${draft.eol}  ${name}:${writeBlock(members, { ...EMPTY, eol: draft.eol }, 2)}`;
  const end = draft.text.trimEnd().length;
  draft.replace(end, draft.text.length, `${end === 0 ? "" : draft.eol}${written}${draft.eol}`);
}

/** Removes a step, what leads to it and what follows it by `else` and `catch`. Expressions that read it stay, as faults. */
export function removeStep(draft: Draft, name: string): void {
  const path = pathOfStep(draft, name);
  forget(draft, name);
  removeComments(draft, path);
  removeMember(draft, path);
}

function forget(draft: Draft, name: string): void {
  for (const path of stepPaths(draft)) {
    if (path[1] === name) continue;
    const [needs, rules] = [
      [...path, "needs"],
      [...path, "catch"],
    ];
    for (const index of indexes(draft.json(needs), (item) => item === name).reverse())
      removeItem(draft, needs, index);
    for (const index of indexes(draft.json(rules), (rule) => thenOf(rule) === name).reverse())
      removeItem(draft, rules, index);
    if (draft.json([...path, "else"]) === name) removeMember(draft, [...path, "else"]);
  }
  if (draft.json(["on", "http", "respond"]) === name) removeMember(draft, ["on", "http", "respond"]);
}

/** Comments right above a step, at its depth, are about it. */
function removeComments(draft: Draft, path: readonly string[]): void {
  const pair = pairOf(draft.mapAt(path.slice(0, -1))!, path.at(-1)!)!;
  const key = rangeOf(pair.key)[0];
  if (!draft.isFirstOfLine(key)) return;
  const own = draft.lineStart(key);
  let from = own;
  while (from > 0) {
    const start = draft.lineStart(from - 1);
    const [, indent] = /^( *)#/.exec(draft.text.slice(start, from)) ?? [];
    if (indent?.length !== draft.columnOf(key)) break;
    from = start;
  }
  draft.replace(from, own, "");
}

/** Renames a step wherever the text names it, also in expressions. */
export function renameStep(draft: Draft, name: string, to: string): string {
  if (name === to) return to;
  const path = pathOfStep(draft, name);
  if (!NAME.test(to) || WORDS.includes(to)) {
    throw new EditFault(
      `"${to}" is not a valid step name: use a to z, 0 to 9 and _, and begin with a letter.`,
    );
  }
  if (stepPaths(draft).some(([, step]) => step === to)) throw new EditFault(`There is a step ${to} already.`);
  const spots: [start: number, end: number, text: string][] = [];
  const found = (node: unknown) => {
    const [start, end] = rangeOf(node);
    spots.push([start, end, draft.text.slice(start, end).replace(name, to)]);
  };
  found(pairOf(draft.mapAt(path.slice(0, -1))!, name)!.key);
  for (const each of stepPaths(draft)) {
    for (const [member, isNamed] of namesOf(draft, each)) if (isNamed === name) found(draft.at(member));
  }
  if (draft.json(["on", "http", "respond"]) === name) found(draft.at(["on", "http", "respond"]));
  const taken = new Set(spots.map(([start]) => start));
  visit(draft.document, {
    Scalar(_key, node) {
      if (!isScalar(node) || typeof node.value !== "string" || !node.value.includes("steps")) return;
      const [start, end] = rangeOf(node);
      const source = draft.text.slice(start, end);
      const renamed = inExpressions(source, name, to);
      if (renamed !== source && !taken.has(start)) spots.push([start, end, renamed]);
    },
  });
  for (const [start, end, text] of spots.sort(([a], [b]) => b - a)) draft.replace(start, end, text);
  return to;
}

/** Members that name other steps, with these names. */
function namesOf(draft: Draft, path: readonly string[]): [path: readonly string[], name: unknown][] {
  const each = (key: string) => {
    const value = draft.json([...path, key]);
    return Array.isArray(value)
      ? value.map((item, index): [string[], unknown] => [[...path, key, String(index)], item])
      : [[[...path, key], value] as [string[], unknown]];
  };
  const rules = each("catch").map(([at, rule]): [string[], unknown] => [[...at, "then"], thenOf(rule)]);
  return [...each("needs"), ...each("else"), ...rules];
}

/** Makes a name of a step that no other one has. */
export function freeName(wished: string, taken: readonly string[]): string {
  const letters = wished
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^[^a-z]+|_+$/g, "");
  const base = letters === "" || WORDS.includes(letters) ? `step${letters}` : letters.slice(0, 58);
  if (!taken.includes(base)) return base;
  for (let count = 2; ; count++) if (!taken.includes(`${base}_${count}`)) return `${base}_${count}`;
}
