import {
  type Document,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from "yaml";
import { type Change, ChangedText } from "./changes.ts";

/** Why an edit cannot be made. */
export class EditFault extends Error {}

export type Path = readonly string[];

/** The text of a flow while it is changed. It is read again after each change. */
export class Draft {
  readonly #changed: ChangedText;
  #document: Document | undefined;
  #text: string;

  constructor(text: string) {
    this.#changed = new ChangedText(text);
    this.#text = text;
  }

  get text(): string {
    return this.#text;
  }

  get changes(): readonly Change[] {
    return this.#changed.changes;
  }

  /** Line end of the text. */
  get eol(): string {
    return this.#text.includes("\r\n") ? "\r\n" : "\n";
  }

  /** JSON: every key is in quotation marks. */
  get isJson(): boolean {
    const { contents } = this.document;
    const key = isMap(contents) && contents.flow ? contents.items[0]?.key : undefined;
    return isScalar(key) && key.type === "QUOTE_DOUBLE";
  }

  get document(): Document {
    this.#document ??= read(this.#text);
    return this.#document;
  }

  replace(from: number, to: number, insert: string): void {
    this.#changed.replace({ from, to, insert });
    this.#text = this.#changed.text;
    this.#document = undefined;
  }

  /** Undefined where there is nothing, or no value. */
  at(path: Path): Node | undefined {
    let node: unknown = this.document.contents;
    for (const key of path) {
      if (isMap(node)) node = pairOf(node, key)?.value;
      else if (isSeq(node)) node = node.items[Number(key)];
      else return undefined;
    }
    return isNode(node) ? node : undefined;
  }

  /** The value as JSON. */
  json(path: Path): unknown {
    return this.at(path)?.toJS(this.document);
  }

  mapAt(path: Path): YAMLMap | undefined {
    const node = this.at(path);
    return isMap(node) ? node : undefined;
  }

  lineStart(offset: number): number {
    return this.#text.lastIndexOf("\n", offset - 1) + 1;
  }

  /** Without its end. */
  lineEnd(offset: number): number {
    const end = this.#text.indexOf("\n", offset);
    if (end < 0) return this.#text.length;
    return this.#text[end - 1] === "\r" && end > offset ? end - 1 : end;
  }

  columnOf(offset: number): number {
    return offset - this.lineStart(offset);
  }

  /** Nothing but spaces stand before it. */
  isFirstOfLine(offset: number): boolean {
    return this.#text.slice(this.lineStart(offset), offset).trim() === "";
  }
}

function read(text: string): Document {
  const document = parseDocument(text, { version: "1.2", prettyErrors: false, logLevel: "error" });
  const [error] = document.errors;
  if (error !== undefined) throw new EditFault(`Mend the text first: ${error.message}`);
  return document;
}

export function pairOf(map: YAMLMap, key: string): Pair | undefined {
  return map.items.find((pair) => keyOf(pair) === key);
}

export function keyOf({ key }: Pair): string {
  return String(isScalar(key) ? key.value : key);
}

/** Whether there is something; a key without a value has an empty scalar. */
function isNode(node: unknown): node is Node {
  if (isScalar(node)) return node.source !== "" || node.type !== "PLAIN";
  return typeof node === "object" && node !== null && "range" in node;
}

export function rangeOf(node: unknown): readonly [start: number, end: number] {
  const range = (node as Node).range!;
  return [range[0], range[1]];
}

/** Where a pair ends, without comments and empty lines after it. */
export function endOfPair(text: string, pair: Pair): number {
  if (isNode(pair.value)) return endOf(text, pair.value);
  return colonOf(text, pair) + 1;
}

/** Where a value ends: that of a collection of lines with its last leaf. */
export function endOf(text: string, node: Node): number {
  if (isMap(node) && !node.flow && node.items.length > 0) return endOfPair(text, node.items.at(-1)!);
  if (isSeq(node) && !node.flow && node.items.length > 0) {
    const last = node.items.at(-1);
    if (isNode(last)) return endOf(text, last);
  }
  const [start, end] = rangeOf(node);
  return start + text.slice(start, end).trimEnd().length;
}

export function colonOf(text: string, { key }: Pair): number {
  return text.indexOf(":", rangeOf(key)[1]);
}
