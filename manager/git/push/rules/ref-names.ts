import { shortRef } from "../../repository.ts";

/** The rules of git-check-ref-format(1), which git applies only when a push is decided. */

const MOST_CHARACTERS = 200;
/** What no name may have. */
const FORBIDDEN = /[\0-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/$|\.$/;

/** @returns what is wrong with the name of a branch or tag; undefined for a valid one */
export function checkRefName(ref: string): string | undefined {
  const name = shortRef(ref);
  const shown = JSON.stringify(name.slice(0, 80));
  if (name.length > MOST_CHARACTERS)
    return `${shown}… is too long for a branch or tag: use at most ${MOST_CHARACTERS} characters.`;
  const isWrong =
    name === "" ||
    name === "HEAD" ||
    name === "@" ||
    name.startsWith("-") ||
    FORBIDDEN.test(name) ||
    name.split("/").some((part) => part.startsWith(".") || part.endsWith(".lock"));
  return isWrong ? `${shown} is not a valid name of a branch or tag: rename it.` : undefined;
}

/** Returns a function that finds the ref which would be a folder of a given one, or the other way round. */
export function clashesAmong(refs: readonly string[]): (ref: string) => string | undefined {
  const all = new Set(refs);
  const byFolder = new Map(refs.flatMap((ref) => foldersOf(ref).map((folder) => [folder, ref] as const)));
  return (ref) => byFolder.get(ref) ?? foldersOf(ref).find((folder) => all.has(folder));
}

/** Returns `a` and `a/b` for `a/b/c`. */
function foldersOf(ref: string): string[] {
  const parts = ref.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}
