import { Problem } from "../../../../../../platform/problems.ts";
import { pathInside, quote } from "../paths.ts";
import { isObject, type JsonObject, objectAt } from "./json-file.ts";

/** Targets by specifier; null blocks one. Paths begin with "./" and are relative to the root of the project. */
export type Imports = Readonly<Record<string, string | null>>;

export interface ImportMap {
  readonly imports: Imports;
  /** The imports of single files and folders. */
  readonly scopes: Readonly<Record<string, Imports>>;
}

export const NO_IMPORTS: ImportMap = { imports: {}, scopes: {} };

/** Where an import map was found. */
interface Place {
  readonly folder: string;
  readonly file: string;
}

/**
 * Reads `imports` and `scopes`, with paths relative to the root.
 * @throws Problem `invalid_source` for a target that is no text, or leaves the source
 */
export function readImportMap(object: JsonObject, place: Place): ImportMap {
  const { file } = place;
  const scopes = Object.entries(objectAt(object, "scopes", file)).map(([key, imports]) => {
    if (!isObject(imports))
      throw new Problem("invalid_source", `${file}: scopes: ${quote(key)} must be an object.`);
    return [
      rebased(key, { ...place, key: "scopes" }),
      rebasedImports(imports, { ...place, key: "scopes" }),
    ] as const;
  });
  return {
    imports: rebasedImports(objectAt(object, "imports", file), { ...place, key: "imports" }),
    scopes: Object.fromEntries(scopes),
  };
}

/** Adds the entries of maps; the first one with a key decides. */
export function mergeImportMaps(...maps: readonly ImportMap[]): ImportMap {
  const scopes: Record<string, Imports> = {};
  for (const map of maps) {
    for (const [key, imports] of Object.entries(map.scopes)) scopes[key] = { ...imports, ...scopes[key] };
  }
  return { imports: Object.assign({}, ...maps.map(({ imports }) => imports).reverse()), scopes };
}

type KeyPlace = Place & { readonly key: string };

function rebasedImports(imports: JsonObject, place: KeyPlace): Imports {
  const { file, key } = place;
  const entries = Object.entries(imports).map(([specifier, target]) => {
    if (target !== null && typeof target !== "string") {
      throw new Problem(
        "invalid_source",
        `${file}: ${key}: the target of ${quote(specifier)} must be a text.`,
      );
    }
    const name = isRelative(specifier) ? rebased(specifier, place) : specifier;
    return [name, target === null ? null : rebased(target, place)] as const;
  });
  return Object.fromEntries(entries);
}

function rebased(target: string, { folder, file, key }: KeyPlace): string {
  const isPath = isRelative(target) || /^(file:|\/|[a-z]:[\\/])/i.test(target);
  return isPath ? `./${pathInside(folder, target, `${file}: ${key}`)}` : target;
}

function isRelative(specifier: string): boolean {
  return /^\.\.?(\/|$)/.test(specifier);
}
