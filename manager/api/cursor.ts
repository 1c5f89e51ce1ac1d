import { Problem } from "../../platform/problems.ts";

/** Returns the cursor of the page after a name. */
export function cursorFromName(name: string): string {
  return Buffer.from(name).toString("base64url");
}

/**
 * Returns a reader of the parameter `cursor`.
 * @param isName whether a text can be the last name of a page
 */
export function nameFromCursor(isName: (text: string) => boolean): (cursor?: string) => string | undefined {
  return (cursor) => {
    if (cursor === undefined) return undefined;
    const name = Buffer.from(cursor, "base64url").toString();
    if (isName(name) && cursorFromName(name) === cursor) return name;
    throw invalidCursor();
  };
}

const ID = /^[0-9a-f]{32}$/;

/** Reads the parameter `cursor` of a list whose cursors are ids of calls or runs. */
export function idFromCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined || ID.test(cursor)) return cursor;
  throw invalidCursor();
}

export function invalidCursor(): Problem {
  return new Problem("invalid_request", "The cursor is not valid: take `next` of the previous page.");
}
