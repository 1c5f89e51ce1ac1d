/** Codes of the system: no space, no more of it for this user. */
const FULL = new Set<unknown>(["ENOSPC", "EDQUOT"]);
/** SQLite's own word for it; the lowest byte of a result code is its kind. */
const SQLITE_FULL = 13;

/** What a person can do about it. */
export const FREE_SPACE = "free space in the data folder of Skiff (--data, SKIFF_DATA)";

/** True if there was no space left, for a file or for the database, or that is the cause of the error. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errcode, cause } = error as Error & { code?: unknown; errcode?: number };
  return FULL.has(code) || (errcode !== undefined && (errcode & 0xff) === SQLITE_FULL) || isDiskFull(cause);
}
