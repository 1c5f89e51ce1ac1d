import { Problem } from "../../../../../../platform/problems.ts";
import type { Files } from "../../archive.ts";
import { isSource, listSome, quote, resolvePath, SOURCE_ENDINGS } from "../paths.ts";
import { type NamedEntry, namedEntries } from "./named-entries.ts";
import { nearest } from "./nearest.ts";

const NAMES = ["main", "mod", "index", "server", "app"];
/** A function in a project of Supabase, whose common folder is already gone. Folders with "_" are shared. */
const SUPABASE = /^(?:(?:supabase\/)?functions\/)?([^/_.][^/]*)\/index\.[mc]?[jt]sx?$/;

/**
 * Finds the main module: what `wanted` names, else what the configuration files name, else the file with a usual name.
 * @param wanted the setting `entry`; empty for none
 * @throws Problem `invalid_source`
 */
export function findEntry(files: Files, wanted = ""): string {
  if (wanted !== "") return wantedEntry(files, wanted);
  const named = namedEntries(files);
  // What is built, such as dist/index.js, often stays out of the source.
  const found = named.map(({ path }) => existing(files, path)).find((path) => path !== undefined);
  return found ?? usualEntry(files) ?? supabaseEntry(files) ?? fail(files, named);
}

function wantedEntry(files: Files, wanted: string): string {
  const path = resolvePath("", wanted);
  if (path !== undefined && files.has(path)) return path;
  const near = nearest(wanted, [...files.keys()].filter(isSource));
  const advice = near.length > 0 ? `Did you mean ${near.join(" or ")}?` : has(files);
  throw new Problem("invalid_source", `entry=${wanted.slice(0, 200)} is not in the source. ${advice}`);
}

function existing(files: Files, named: string): string | undefined {
  const path = resolvePath("", named);
  if (path === undefined) return undefined;
  const asFile = [
    path,
    ...SOURCE_ENDINGS.flatMap((ending) => [`${path}.${ending}`, `${path}/index.${ending}`]),
  ];
  return asFile.find((each) => files.has(each) && isSource(each));
}

function usualEntry(files: Files): string | undefined {
  const paths = ["", "src/"].flatMap((folder) =>
    NAMES.flatMap((name) => SOURCE_ENDINGS.map((ending) => `${folder}${name}.${ending}`)),
  );
  return paths.find((path) => files.has(path));
}

function supabaseEntry(files: Files): string | undefined {
  const entries = [...files.keys()].filter((path) => SUPABASE.test(path) && isSource(path));
  if (entries.length <= 1) return entries[0];
  throw new Problem(
    "invalid_source",
    `The source has several functions (${listSome(entries)}): choose one, for example with entry=${entries[0]}.`,
  );
}

function fail(files: Files, named: readonly NamedEntry[]): never {
  const absent = named.map(({ path, by }) => `${by} names ${quote(path)}, which is not there`);
  const looked = `main, mod, index, server or app with one of the endings ${SOURCE_ENDINGS.join(", ")}, at the root or in src/`;
  const also = absent.length > 0 ? `${absent.join("; ")}; and there is no ` : "The source has no ";
  throw new Problem(
    "invalid_source",
    `${also}${looked}. ${has(files)} Name the main module with entry=PATH.`.replace(/^./, (first) =>
      first.toUpperCase(),
    ),
  );
}

function has(files: Files): string {
  return files.size === 0 ? "The archive is empty." : `There is ${listSome([...files.keys()])}.`;
}
