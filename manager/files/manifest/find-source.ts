import { closestWord } from "../../../process/closest-word.ts";
import type { ManifestFile } from "../../../runtimes/runtime.ts";
import type { Contents } from "../unified-diff.ts";
import type { DeclaredVersion } from "./declared.ts";
import type { Mistakes } from "./mistakes.ts";

/** The source of a function in a folder. */
export interface FoundSource {
  /** Its path, for people: `hello.ts`, `hello/` or `.`. */
  readonly path: string;
  /** One file, or the files of a folder by their path in it. */
  readonly content: Uint8Array | Contents;
}

/** Endings of a source with one file, in the order of the search. */
const ENDINGS = [".ts", ".tsx", ".js", ".jsx", ".mts", ".mjs", ".sh", ".py", ".rb", ".pl"];
/** Paths among which a misspelled one is searched. */
const MOST_PATHS = 2_000;

/** Finds the source of a function in the folder of a manifest. Undefined, with a mistake, if there is none. */
export function findSource(
  files: Contents,
  { name, version: { source, sourcePointer } }: { readonly name: string; readonly version: DeclaredVersion },
  { manifest, mistakes }: { readonly manifest: ManifestFile; readonly mistakes: Mistakes },
): FoundSource | undefined {
  const refuse = (message: string) => void mistakes.add(manifest, sourcePointer, message);
  if (source !== undefined) {
    const path = normalPath(source);
    if (path === undefined) {
      return refuse(
        `source "${source.slice(0, 80)}" must be a path inside of the folder, such as "${name}/".`,
      );
    }
    return sourceAt(files, path, manifest) ?? refuse(notFound(files, path));
  }
  const paths = [...ENDINGS.map((ending) => name + ending), name];
  const found = paths.flatMap((path) => sourceAt(files, path, manifest) ?? []);
  if (found.length > 1) {
    const all = found.map(({ path }) => path).join(" and ");
    return refuse(
      `${all} are both there: choose the source of "${name}", such as "source: ${found[0]!.path}".`,
    );
  }
  return (
    found[0] ??
    refuse(`"${name}" has no source: add ${name}.ts or a folder ${name}/, or name it with "source: PATH".`)
  );
}

function sourceAt(files: Contents, path: string, manifest: ManifestFile): FoundSource | undefined {
  const file = path === "" ? undefined : files.get(path);
  if (file) return { path, content: file };
  const prefix = path === "" ? "" : `${path}/`;
  const inside = [...files].filter(([each]) => each.startsWith(prefix));
  // The manifest of all functions is no part of one.
  const content = new Map(inside.map(([each, bytes]) => [each.slice(prefix.length), bytes]));
  if (prefix === "") content.delete(manifest.file);
  return content.size === 0 ? undefined : { path: prefix || ".", content };
}

/** Undefined for a path that leads out of the folder. */
export function normalPath(source: string): string | undefined {
  if (source.startsWith("/") || source.includes("\\")) return undefined;
  const parts = source.split("/").filter((part) => part !== "" && part !== ".");
  return parts.includes("..") ? undefined : parts.join("/");
}

export function notFound(files: Contents, path: string): string {
  const known = new Set<string>();
  for (const file of files.keys()) {
    if (known.size >= MOST_PATHS) break;
    known.add(file);
    for (let at = file.indexOf("/"); at > 0; at = file.indexOf("/", at + 1)) known.add(file.slice(0, at));
  }
  const meant = closestWord(path, [...known]);
  const hint = meant === undefined ? "" : ` Did you mean "${meant}"?`;
  return `There is no file or folder "${path.slice(0, 80)}".${hint}`;
}
