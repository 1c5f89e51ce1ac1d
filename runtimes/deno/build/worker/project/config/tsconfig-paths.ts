import { Problem } from "../../../../../../platform/problems.ts";
import type { Files } from "../../archive.ts";
import { pathInside, quote, SOURCE_ENDINGS } from "../paths.ts";
import type { Imports } from "./import-map.ts";
import { isObject, type JsonObject } from "./json-file.ts";

/** `paths` and `baseUrl` of a configuration file. */
export interface PathAliases {
  readonly file: string;
  readonly options: JsonObject;
  readonly pathsFolder: string;
  readonly baseFolder: string | undefined;
}

/**
 * Makes entries of an import map from the aliases of TypeScript. `"@/*": ["./src/*"]` becomes `"@/": "./src/"`. Other
 * patterns, and several targets, are looked up for each specifier that the sources mention.
 * @throws Problem `invalid_source` if a target leaves the source
 */
export function aliasImports(files: Files, aliases: PathAliases, mentioned: Iterable<string>): Imports {
  const { options, file } = aliases;
  const paths = isObject(options.paths) ? Object.entries(options.paths) : [];
  const patterns = paths.map(([key, targets]) => patternOf(key, targets, aliases));
  if (aliases.baseFolder !== undefined) {
    patterns.push({
      before: "",
      after: "",
      targets: [`${aliases.baseFolder}/*`.replace(/^\//, "")],
      isExact: false,
    });
  }
  if (patterns.some(({ before }) => before.includes("*")))
    throw new Problem("invalid_source", `${file}: a key of paths may hold one "*".`);
  const entries = new Map<string, string>();
  for (const { before, after, targets } of patterns) {
    const [target = ""] = targets;
    const isFolder = before.endsWith("/") && after === "" && targets.length === 1;
    if (isFolder && target.endsWith("/*")) entries.set(before, `./${target.slice(0, -1)}`);
  }
  for (const specifier of mentioned) {
    if (specifier.startsWith(".")) continue;
    const found = lookUp(files, patterns, specifier);
    if (found !== undefined) entries.set(specifier, `./${found}`);
  }
  return Object.fromEntries(entries);
}

interface Pattern {
  readonly before: string;
  readonly after: string;
  readonly targets: readonly string[];
  readonly isExact: boolean;
}

function patternOf(key: string, targets: unknown, { file, pathsFolder }: PathAliases): Pattern {
  if (!Array.isArray(targets) || !targets.every((target) => typeof target === "string")) {
    throw new Problem("invalid_source", `${file}: paths: ${quote(key)} must be a list of texts.`);
  }
  const star = key.lastIndexOf("*");
  return {
    before: star < 0 ? key : key.slice(0, star),
    after: star < 0 ? "" : key.slice(star + 1),
    targets: targets.map((target) => pathInside(pathsFolder, target, `${file}: paths`)),
    isExact: star < 0,
  };
}

/** The file that TypeScript finds: exact keys first, then the longest prefix. */
function lookUp(files: Files, patterns: readonly Pattern[], specifier: string): string | undefined {
  const matching = patterns.filter(({ before, after, isExact }) =>
    isExact
      ? specifier === before
      : specifier.length >= before.length + after.length &&
        specifier.startsWith(before) &&
        specifier.endsWith(after),
  );
  const ordered = matching.toSorted(
    (a, b) => Number(b.isExact) - Number(a.isExact) || b.before.length - a.before.length,
  );
  for (const { before, after, targets } of ordered) {
    const rest = specifier.slice(before.length, specifier.length - after.length);
    const found = targets.map((target) =>
      sourceAt(
        files,
        target.replace("*", () => rest),
      ),
    );
    const path = found.find((each) => each !== undefined);
    if (path !== undefined) return path;
  }
  return undefined;
}

/** The file that an import of `path` means, as TypeScript and Deno's sloppy imports have it. */
export function sourceAt(files: Files, path: string): string | undefined {
  if (/\.d\.[mc]?ts$/.test(path)) return undefined;
  const bare = path.replace(/\/$/, "");
  const stem = bare.replace(/\.([mc]?)jsx?$/, "");
  const asTypeScript = stem === bare ? [] : ["ts", "tsx", "mts", "cts"].map((ending) => `${stem}.${ending}`);
  const guessed = SOURCE_ENDINGS.flatMap((ending) => [`${bare}.${ending}`]);
  const inFolder = SOURCE_ENDINGS.map((ending) => `${bare}/index.${ending}`);
  return [bare, ...asTypeScript, ...guessed, ...inFolder].find((each) => files.has(each));
}
