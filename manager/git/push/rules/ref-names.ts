/** The rules of git-check-ref-format(1), which git applies only when a push is decided. */

const MOST_CHARACTERS = 200;
/** What no name may have. */
const FORBIDDEN = /[\0-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/$|\.$/;

/** @returns what is wrong with the name of a branch or tag; undefined for a valid one */
export function checkRefName(ref: string): string | undefined {
  const name = ref.replace(/^refs\/(heads|tags)\//, "");
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

/** Returns the ref that would be a folder of the other one, or the other way round. */
export function clashOf(ref: string, refs: Iterable<string>): string | undefined {
  for (const other of refs) if (other.startsWith(`${ref}/`) || ref.startsWith(`${other}/`)) return other;
  return undefined;
}
