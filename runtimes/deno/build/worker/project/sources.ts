import type { Files } from "../archive.ts";
import { isSource } from "./paths.ts";

/** A string that can be the specifier of an import. */
const STRING = /(["'`])((?:[\w@~#$.][^"'`\s\\]*)?)\1/g;
const MAX_SPECIFIER = 300;

/** The source files of a project that belong to no package, as text. */
export class Sources {
  readonly texts: ReadonlyMap<string, string>;
  readonly #byFile = new Map<string, ReadonlySet<string>>();
  #strings: ReadonlySet<string> | undefined;
  #byPackage: ReadonlyMap<string, string[]> | undefined;

  constructor(files: Files) {
    const decoder = new TextDecoder();
    const sources = [...files].filter(([path]) => isSource(path));
    this.texts = new Map(sources.map(([path, bytes]) => [path, decoder.decode(bytes)]));
  }

  /** The strings that may be specifiers of imports. Those in comments count: a string too many only installs more. */
  get strings(): ReadonlySet<string> {
    if (this.#strings) return this.#strings;
    const strings = new Set<string>();
    for (const path of this.texts.keys()) for (const each of this.stringsOf(path)) strings.add(each);
    this.#strings = strings;
    return strings;
  }

  stringsOf(path: string): ReadonlySet<string> {
    const known = this.#byFile.get(path);
    if (known) return known;
    const strings = new Set<string>();
    for (const [, , each = ""] of (this.texts.get(path) ?? "").matchAll(STRING)) {
      if (each.length <= MAX_SPECIFIER) strings.add(each);
    }
    this.#byFile.set(path, strings);
    return strings;
  }

  /** Whether an import may name the package or a part of it. */
  mentions(name: string): boolean {
    return this.mentionsOf(name).length > 0;
  }

  /** The strings that name the package or a part of it. */
  mentionsOf(name: string): string[] {
    this.#byPackage ??= Map.groupBy(this.strings, packageOf);
    return this.#byPackage.get(name) ?? [];
  }
}

/** The package that a bare specifier names: `@a/b` of `@a/b/c`. */
export function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}
