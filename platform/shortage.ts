/** Error codes for a full disk and a used-up quota. */
const FULL = new Set<unknown>(["ENOSPC", "EDQUOT"]);
/** SQLITE_FULL. The lowest byte of an extended result code is the primary code. */
const SQLITE_FULL = 13;

/** Error codes for other resources of the system. */
const SHORTAGES: Readonly<Record<string, string>> = {
  EMFILE: "Skiff has no open file left: raise its limit (ulimit -n)",
  ENFILE: "the system has no open file left: raise fs.file-max",
  EAGAIN: "the system has no process left: raise the limit of Skiff's user or unit (ulimit -u, TasksMax)",
  ENOMEM: "the system has no memory left",
  ENOBUFS: "the system has no buffers left",
};

export const FREE_SPACE = "free space in the data folder of Skiff (--data, SKIFF_DATA)";

/** Whether a full disk caused the error, in a file or in the database. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, errcode, cause } = error as Error & { code?: unknown; errcode?: number };
  return FULL.has(code) || (errcode !== undefined && (errcode & 0xff) === SQLITE_FULL) || isDiskFull(cause);
}

/** Returns the resource that the system ran out of and the remedy; undefined if the error has another cause. */
export function shortageOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, cause, info } = error as Error & { code?: string; info?: { code?: string } };
  // Errors of `node:os` have the code of the system in `info`.
  return SHORTAGES[info?.code ?? ""] ?? SHORTAGES[code ?? ""] ?? shortageOf(cause);
}
