import { Problem } from "../../platform/problems.ts";
import { FREE_SPACE, isDiskFull } from "../../platform/shortage.ts";
import { storeUnavailable } from "../unavailable.ts";

/** Primary result codes of SQLite: busy, locked, out of memory, read-only, error of the disk, full disk, file cannot be opened. */
const AWAY = new Set([5, 6, 7, 8, 10, 13, 14]);
/** Codes of the system for files that cannot be read or written now. */
const SYSTEM = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS", "EACCES", "EMFILE", "ENFILE", "ENOMEM"]);

/** Turns a failure of the disk into `store_unavailable` with its reason. Returns other errors unchanged. */
export function toUnavailable(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof Problem) return error;
  const { code = "", errcode = 0, message } = error as NodeJS.ErrnoException & { errcode?: number };
  // The lowest byte of an extended result code is the primary code.
  if (!AWAY.has(errcode & 0xff) && !SYSTEM.has(code)) return error;
  return storeUnavailable(isDiskFull(error) ? `the disk is full; ${FREE_SPACE}` : message, error);
}
