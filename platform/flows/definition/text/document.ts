import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  type Node,
  parseDocument,
  type Scalar,
  visit,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import { shown } from "../../../settings/invalid-setting.ts";
import type { Fault, Path } from "../reading/place.ts";
import { sourceOffset } from "./source-offset.ts";

/** A place in a text that is wrong. */
export interface Spot {
  readonly message: string;
  /** Characters before it. */
  readonly offset: number;
  readonly path: Path;
}

/** A text in YAML or JSON that was read, with the way back from values to places. */
export interface FlowDocument {
  /** JSON. Meaningless if there are `spots`. */
  readonly value: unknown;
  /** Why the text is no JSON value. */
  readonly spots: readonly Spot[];
  /** Returns where the fault is. A member that is absent has the place of the object that lacks it. */
  spotOf(fault: Fault): Spot;
  /** Lines and columns count from 1. */
  lineOf(offset: number): { readonly line: number; readonly column: number };
}

const MOST_DEPTH = 50;
const MOST_ALIASES = 100;
const PLAIN_TAG = /^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq)$/;

export function readDocument(text: string): FlowDocument {
  const lines = lineStarts(text);
  const document = parseDocument(text, {
    prettyErrors: false,
    version: "1.2",
    logLevel: "error",
    // The library compares each key with each other one; oddSpots does it in one pass.
    uniqueKeys: false,
  });
  const errors = firstOfLines(lines, document.errors);
  const found = errors.length > 0 ? errors.map((error) => syntaxSpot(text, error)) : oddSpots(document);
  const { value, spots } = found.length > 0 ? { value: undefined, spots: found } : jsonOf(document);
  return {
    value,
    spots,
    spotOf: (fault) => spotOf({ document, text }, fault),
    lineOf: (offset) => {
      const line = lineAt(lines, offset);
      return { line, column: offset - lines[line - 1]! + 1 };
    },
  };
}

/** Where each line begins. The library's own count leaves out lines of scalars that have no end. */
function lineStarts(text: string): readonly number[] {
  return [0, ...text.matchAll(/\n/g).map(({ index }) => index + 1)];
}

/** Returns the number of the line, from 1. */
function lineAt(starts: readonly number[], offset: number): number {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle;
  }
  return low + 1;
}

/** One fault of syntax causes others in its line. */
function firstOfLines(lines: readonly number[], errors: readonly YAMLError[]): readonly YAMLError[] {
  const seen = new Set<number>();
  return errors.filter(({ pos }) => {
    const line = lineAt(lines, pos[0]);
    if (seen.has(line)) return false;
    seen.add(line);
    return true;
  });
}

function jsonOf(document: Document): { readonly value: unknown; readonly spots: readonly Spot[] } {
  try {
    return { value: document.toJS({ maxAliasCount: MOST_ALIASES }), spots: [] };
  } catch (error) {
    // Aliases of aliases stand for more than there is room for.
    if (!(error instanceof ReferenceError)) throw error;
    const message = "The aliases of the text stand for too much: write the values out.";
    return { value: undefined, spots: [{ message, offset: 0, path: [] }] };
  }
}

function syntaxSpot(text: string, { code, message, pos }: YAMLError): Spot {
  const line = text.slice(text.lastIndexOf("\n", pos[0] - 1) + 1).split("\n", 1)[0]!;
  const texts: Partial<Record<YAMLError["code"], string>> = {
    MULTIPLE_DOCS: "The text has several documents: a flow is one, without ---.",
    RESOURCE_EXHAUSTION: `The text is nested too deep: use at most ${MOST_DEPTH} levels.`,
    TAB_AS_INDENT: "The line is indented by a tab: YAML allows spaces alone.",
  };
  return {
    message: texts[code] ?? `The YAML cannot be read: ${message}.${quoteHint(line)}`,
    offset: pos[0],
    path: [],
  };
}

/** Most faults of syntax come from expressions without quotation marks. */
function quoteHint(line: string): string {
  if (line.includes("${")) return ` Put texts with \${ } in quotation marks, such as with: "\${ input.id }".`;
  const isExpression = /[=!<>]=|&&|\|\||\? .*: /.test(line) || /: *["'].*["'] *[-+=<>!&|]/.test(line);
  return isExpression ? ` Put the whole expression in quotation marks, such as if: '"a" == input.b'.` : "";
}

/** Finds what YAML has and JSON does not. */
function oddSpots(document: Document): readonly Spot[] {
  const spots: Spot[] = [];
  const add = (node: unknown, message: string) =>
    spots.push({ message, offset: (node as Node).range?.[0] ?? 0, path: [] });
  let aliases = 0;
  visit(document, (key, node, parents) => {
    if (isPair(node)) {
      if (isCollection(node.key)) add(node.key, "A key is an object or a list: use a text.");
      return undefined;
    }
    if (parents.length > 2 * MOST_DEPTH) {
      add(node, `The text is nested too deep: use at most ${MOST_DEPTH} levels.`);
      return visit.SKIP;
    }
    if (isMap(node)) for (const twice of repeatedKeys(node)) add(twice, `${twice} is there twice: keep one.`);
    if (isAlias(node)) {
      aliases++;
      if (node.resolve(document) === undefined)
        add(node, `There is no &${node.source} above *${node.source}.`);
      else if (parents.some((parent) => parent === node.resolve(document))) {
        add(node, `*${node.source} is a part of itself: write the value out.`);
      }
      if (aliases === MOST_ALIASES + 1)
        add(node, `The text has over ${MOST_ALIASES} aliases: write the values out.`);
      return undefined;
    }
    if ((isScalar(node) || isCollection(node)) && node.tag !== undefined && !PLAIN_TAG.test(node.tag)) {
      add(node, tagFault(node.tag));
    } else if (isScalar(node) && typeof node.value === "number" && !Number.isFinite(node.value)) {
      add(node, `${node.source} is not a number of JSON: use a finite number, or a text in quotation marks.`);
    } else if (isScalar(node) && isRounded(node)) {
      const { source } = node;
      add(
        node,
        `${source} is beyond 2^53, where integers are rounded: write it as a text, such as "${source}".`,
      );
    } else if (key === "key" && isScalar(node) && typeof node.value === "object") {
      add(node, `A key is ${shown(node.value)}: use a text.`);
    }
    return undefined;
  });
  return spots;
}

/** Whether a number is written as an integer that no number of JSON has. One with an exponent or a fraction is an approximation. */
function isRounded({ value, source }: Scalar): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value) && !/^[-+]?[\d.]*(e|\.)/i.test(source ?? "");
}

function repeatedKeys({ items }: YAMLMap): readonly Scalar[] {
  const keys = items.map(({ key }) => key).filter(isScalar);
  const seen = new Set<string>();
  return keys.filter(({ value }) => {
    const key = String(value);
    if (seen.has(key)) return true;
    seen.add(key);
    return false;
  });
}

function tagFault(tag: string): string {
  const text = tag.replace("tag:yaml.org,2002:", "!!");
  return `${text} is a tag of YAML, which flows do not have: put an expression that starts with ! in quotation marks, such as if: "!input.paid".`;
}

interface Source {
  readonly document: Document;
  readonly text: string;
}

function spotOf({ document, text }: Source, { path, message, isKey, offset }: Fault): Spot {
  let node: unknown = document.contents;
  let key: unknown = node;
  const found: string[] = [];
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    const member = memberOf(node, part);
    if (member !== undefined) {
      [key, node] = member;
      found.push(part);
    } else if (!/^\d+$/.test(part)) break;
    // One value in the place of a list of one has no index.
  }
  const target = (isKey ? key : node) ?? key;
  const start = (target as Node | undefined)?.range?.[0] ?? 0;
  const isInText = offset !== undefined && isScalar(target) && typeof target.value === "string";
  return { message, path: found, offset: isInText ? sourceOffset(text, target, offset) : start };
}

/** Returns key and value of a member; key and value are the same in a list. */
function memberOf(node: unknown, part: string): [key: unknown, value: unknown] | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value ?? "") === part);
    return pair && [pair.key, pair.value];
  }
  if (!isCollection(node)) return undefined;
  const item = node.items[Number(part)];
  return item === undefined ? undefined : [item, item];
}
