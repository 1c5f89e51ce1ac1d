import { Problem, type SourceError } from "../../../platform/problems.ts";
import type { ManifestFile } from "../../../runtimes/runtime.ts";

const MOST = 20;
const LINE_CHARACTERS = 160;

/** Returns the JSON pointer of a member or entry. */
export function below(pointer: string, key: string | number): string {
  return `${pointer}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** Collects what is wrong in a folder, so that one answer names all of it. */
export class Mistakes {
  readonly #errors: SourceError[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /**
   * @param pointer the JSON pointer of what is wrong; the place of what is around it counts if it has none
   * @param path the path of the manifest in the folder
   */
  add(manifest: ManifestFile, pointer: string, message: string, path = manifest.file): void {
    const [line, column] = placeOf(manifest, pointer);
    const lineText = manifest.text.split(/\r?\n/, line)[line - 1] ?? "";
    this.addAt({ message, file: path, line, column, lineText });
  }

  /** Adds what is wrong in another file. */
  addAt(error: SourceError): void {
    this.#count++;
    if (this.#errors.length >= MOST) return;
    this.#errors.push({ ...error, lineText: error.lineText.slice(0, LINE_CHARACTERS) });
  }

  /** @throws Problem `invalid_declaration` if there were any */
  refuse(): void {
    const errors = this.#errors.toSorted((a, b) =>
      a.file === b.file ? a.line - b.line || a.column - b.column : 0,
    );
    const [first] = errors;
    if (first === undefined) return;
    const { file, line, column, lineText, message } = first;
    const caret = column <= LINE_CHARACTERS ? `\n  ${" ".repeat(column - 1)}^` : "";
    const more = this.#count - 1;
    const others = more === 0 ? "" : `\n(and ${more} more ${more === 1 ? "mistake" : "mistakes"})`;
    const detail = `${file}:${line}:${column}: ${message}\n  ${lineText}${caret}${others}`;
    throw new Problem("invalid_declaration", detail, { errors });
  }
}

function placeOf({ places }: ManifestFile, pointer: string): readonly [number, number] {
  for (let at = pointer; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
    const place = Object.hasOwn(places, at) ? places[at] : undefined;
    if (place !== undefined) return place;
  }
  return [1, 1];
}
