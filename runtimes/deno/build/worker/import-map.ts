import { Problem } from "../../../../platform/problems.ts";
import type { Files } from "./archive.ts";
import { plainJson } from "./jsonc.ts";

const CONFIG_NAMES = ["deno.json", "deno.jsonc"];

/** The part of an archive's deno.json that a build applies. */
export interface ProjectConfig {
  readonly imports: ImportMap;
  /** Compiler options that change what the code means. */
  readonly compilerOptions: Readonly<Record<string, unknown>>;
}

const MEANINGFUL_OPTIONS = ["jsxImportSource", "jsxFactory", "jsxFragmentFactory", "experimentalDecorators"];

/** @throws Problem `invalid_source` if the archive's deno.json cannot be read */
export function readProjectConfig(files: Files): ProjectConfig {
  const name = CONFIG_NAMES.find((name) => files.has(name));
  const config = name === undefined ? {} : parseJsonc(name, files.get(name)!);
  const given = isRecord(config.compilerOptions) ? config.compilerOptions : {};
  const jsx = given.jsx === "react" ? "react" : "react-jsx";
  const kept = Object.entries(given).filter(([key]) => MEANINGFUL_OPTIONS.includes(key));
  const entries = Object.entries(isRecord(config.imports) ? config.imports : {});
  for (const [key, target] of entries) {
    if (typeof target === "string") continue;
    throw new Problem(
      "invalid_source",
      `${name}: imports: the target of ${JSON.stringify(key.slice(0, 200))} must be a text.`,
    );
  }
  return {
    imports: new ImportMap(entries as [string, string][]),
    compilerOptions: { ...Object.fromEntries(kept), jsx },
  };
}

/** A node in the tree of the map's keys, for the part of a specifier up to a "/". */
interface Node {
  readonly children: Map<string, Node>;
  /** Target of the key that ends here with "/". */
  folder?: string;
  /** Target of the key that ends here without "/". */
  exact?: string;
}

/**
 * Maps specifiers, and prefixes that end with "/", to their targets. The time of a look-up depends on the length of the
 * specifier, not on the number of keys.
 */
export class ImportMap {
  readonly #root: Node = { children: new Map() };

  constructor(entries: Iterable<readonly [key: string, target: string]>) {
    for (const [key, target] of entries) {
      const parts = key.split("/");
      const isFolder = parts.length > 1 && parts.at(-1) === "";
      let node = this.#root;
      for (const part of isFolder ? parts.slice(0, -1) : parts) {
        const next: Node = node.children.get(part) ?? { children: new Map() };
        node.children.set(part, next);
        node = next;
      }
      if (isFolder) node.folder = target;
      else node.exact = target;
    }
  }

  /**
   * Maps a specifier by an exact entry, else by the longest prefix. Entries for packages (`npm:`, `jsr:`) cover their
   * subpaths too, as in Deno. Undefined if none matches.
   */
  map(specifier: string): string | undefined {
    let found: { target: string; rest: number } | undefined;
    let node: Node | undefined = this.#root;
    for (let start = 0; ; ) {
      const slash: number = specifier.indexOf("/", start);
      node = node.children.get(slash < 0 ? specifier.slice(start) : specifier.slice(start, slash));
      if (node === undefined) break;
      if (slash < 0) {
        if (node.exact !== undefined) return node.exact;
        break;
      }
      const isWhole = slash === specifier.length - 1;
      if (isWhole && node.folder !== undefined) return node.folder;
      if (node.folder !== undefined) found = { target: node.folder, rest: slash + 1 };
      else if (node.exact !== undefined && /^(npm|jsr):/.test(node.exact)) {
        found = { target: node.exact, rest: slash };
      }
      start = slash + 1;
    }
    return found && found.target + specifier.slice(found.rest);
  }
}

function parseJsonc(name: string, bytes: Uint8Array): Record<string, unknown> {
  const json = plainJson(new TextDecoder().decode(bytes));
  try {
    const value: unknown = JSON.parse(json);
    if (isRecord(value)) return value;
  } catch (error) {
    throw new Problem("invalid_source", `${name} is not valid JSON: ${(error as Error).message}.`);
  }
  throw new Problem("invalid_source", `${name} must hold a JSON object.`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
