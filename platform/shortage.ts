/** Codes of the system for a full disk: no space, no more of it for this user. */
const FULL = new Set<unknown>(["ENOSPC", "EDQUOT"]);
/** SQLite's own word for it; the lowest byte of a result code is its kind. */
const SQLITE_FULL = 13;

/** What a person can do about a full disk. */
export const FREE_SPACE = "free space in the data folder of Skiff (--data, SKIFF_DATA)";

/** Codes of the system for what it has no more of besides the disk, and what that is. */
const SHORTAGES: Readonly<Record<string, string>> = {
  EMFILE: "Skiff has no open file left: raise its limit (ulimit -n)",
  ENFILE: "the system has no open file left: raise fs.file-max",
  EAGAIN: "the system has no process left: raise the limit of Skiff's user or unit (ulimit -u, TasksMax)",
  ENOMEM: "the system has no memory left",
  ENOBUFS: "the system has no buffers left",
};

/** True if there was no space left, for a file or for the database, or that is the cause of the error. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errcode, cause } = error as Error & { code?: unknown; errcode?: number };
  return FULL.has(code) || (errcode !== undefined && (errcode & 0xff) === SQLITE_FULL) || isDiskFull(cause);
}

/**
 * What the system ran out of, in words that say what to do, if that is the error or its cause. Such an error is the
 * fault of no function.
 */
export function shortageOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, cause, info } = error as NodeJS.ErrnoException & { info?: { code?: string } };
  // What Node's `os` asks for is told by an error of its own.
  if (info?.code !== undefined && SHORTAGES[info.code] !== undefined) return SHORTAGES[info.code];
  return (typeof code === "string" ? SHORTAGES[code] : undefined) ?? shortageOf(cause);
}
