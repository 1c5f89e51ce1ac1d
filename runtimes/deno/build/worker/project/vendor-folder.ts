import type { ImportMap, Imports } from "./config/import-map.ts";

/** Deno keeps remote modules in `vendor` and refuses imports of what else is there. */
const OWN = "vendor/";
const OTHER = "vendor~/";
/** Deno's own folders there are named after hosts. */
const VENDORED = /^vendor\/(?:[^/]+\.[^/]+\/|http_|manifest\.json$)/;

/**
 * Makes a posted folder `vendor` importable: its files get a second place beside it, and the import map leads there. They
 * stay where they are for programs that read them.
 */
export function moveVendor(files: Map<string, Uint8Array>, map: ImportMap): ImportMap {
  const posted = [...files].filter(([path]) => path.startsWith(OWN) && !VENDORED.test(path));
  if (posted.length === 0) return map;
  for (const [path, bytes] of posted) files.set(OTHER + path.slice(OWN.length), bytes);
  const moved = (specifier: string) =>
    specifier.startsWith(`./${OWN}`) && !VENDORED.test(specifier.slice(2))
      ? `./${OTHER}${specifier.slice(OWN.length + 2)}`
      : specifier;
  const movedImports = (imports: Imports, keyOf = (key: string) => key): Imports =>
    Object.fromEntries(
      Object.entries(imports).map(([key, target]) => [keyOf(key), target === null ? null : moved(target)]),
    );
  // What a moved file imports by a relative path lies beside it, in the second place.
  const scopes = Object.entries(map.scopes).map(([key, imports]) => [
    moved(key),
    movedImports(imports, moved(key) === key ? undefined : moved),
  ]);
  return {
    imports: { ...movedImports(map.imports), [`./${OWN}`]: `./${OTHER}` },
    scopes: Object.fromEntries(scopes),
  };
}
