import { MOST_PATH_BYTES } from "./list-tree.ts";

/** Longest name on usual file systems. */
const MOST_NAME_BYTES = 255;
/** Names of the folder of git for macOS and Windows, which ignore some characters and case. */
const GIT_FOLDER = /^(\.git|git~\d+)[ .]*($|:)/i;
const IGNORED = /\p{Default_Ignorable_Code_Point}/gu;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A path of a tree, or why it is none that is deployed. */
export type CheckedPath = { readonly path: string } | { readonly fault: string };

/** Checks a path of a tree. It may have any bytes, and is shown as JSON. */
export function checkPath(bytes: Buffer): CheckedPath {
  const refused = (why: string) => ({ fault: `${shown(bytes.toString())} ${why}` });
  if (bytes.length > MOST_PATH_BYTES) {
    return refused(`has a path over ${MOST_PATH_BYTES} bytes: use shorter names or fewer folders.`);
  }
  const path = decoded(bytes);
  if (path === undefined) return refused("is not UTF-8: rename it.");
  if (/\p{Cc}/u.test(path)) return refused("has a control character in its path: rename it.");
  if (path.includes("\\")) return refused("has a backslash in its path: rename it.");
  if (/^[a-z]:/i.test(path)) return refused("begins like a drive of Windows: rename it.");
  const names = path.split("/");
  if (names.some((name) => name === "" || name === "." || name === "..")) {
    return refused("leads out of its folder: remove it from the tree.");
  }
  if (names.some(isGitFolder)) {
    return refused("is a name of git's own folder on some systems: remove it from the tree.");
  }
  if (names.some((name) => Buffer.byteLength(name) > MOST_NAME_BYTES)) {
    return refused(`has a name over ${MOST_NAME_BYTES} bytes: use a shorter one.`);
  }
  return { path };
}

/** Whether git can hold a path of a source in a tree. */
export function canStore(path: string): boolean {
  // Git takes both signs for a separator where it looks for its folder.
  if (path.includes("\0") || path.split(/[/\\]/).some(isGitFolder)) return false;
  return path.split("/").every((name) => !/^\.{0,2}$/.test(name));
}

/** Whether a file is for git and its hosts alone, as `.gitignore` and `.github/` are. It is no part of a source. */
export function isForGit(path: string): boolean {
  return /(^|\/)\.git/i.test(path);
}

/** Equal for paths that are one file on macOS or Windows. */
export function foldedPath(path: string): string {
  return path.normalize("NFC").toUpperCase().toLowerCase();
}

export function shown(path: string): string {
  return JSON.stringify(path.slice(0, 100));
}

function isGitFolder(name: string): boolean {
  return GIT_FOLDER.test(name.replace(IGNORED, ""));
}

function decoded(bytes: Buffer): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
