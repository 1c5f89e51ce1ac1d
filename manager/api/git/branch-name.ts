/** What git-check-ref-format(1) forbids, and names that commands would take for an option or for HEAD. */
const FORBIDDEN = /^[-/.]|[\0-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(\/|$)|[/.]$|^(@|HEAD)$/;
const MOST_BYTES = 200;

/** Whether git accepts a text as the name of a branch. */
export function isBranchName(text: string): boolean {
  return text !== "" && Buffer.byteLength(text) <= MOST_BYTES && !FORBIDDEN.test(text);
}
