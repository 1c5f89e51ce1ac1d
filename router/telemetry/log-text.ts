/** Longest parts that a client chooses, in characters. */
const PATH_LENGTH = 2_048;
const FIELD_LENGTH = 256;

/** What stands in a path as it is; the rest is escaped as clients should have escaped it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NOT_IN_PATH = /[\x00-\x20"<>\\^`{|}\x7f-\uffff]/g;
const NOT_IN_FIELD = /[^\x20-\x7e]/g;

/**
 * The path of a request-target, without its query and authority, which may hold secrets. Plain ASCII without quotes
 * and backslashes: it needs no escapes, in JSON or on a terminal.
 */
export function pathForLog(target: string): string {
  const cut = target.slice(0, 4 * PATH_LENGTH);
  const path = cut.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "");
  const end = path.search(/[?#]/);
  return (end < 0 ? path : path.slice(0, end)).replace(NOT_IN_PATH, escaped).slice(0, PATH_LENGTH);
}

/** A header field's value, in printable ASCII. */
export function fieldForLog(value: string | undefined): string | undefined {
  return value?.slice(0, FIELD_LENGTH).replace(NOT_IN_FIELD, "?");
}

function escaped(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
