/** Codes of the system for what it has no more of, and what that is. Not the disk, which is disk-full.ts. */
const SHORTAGES: Readonly<Record<string, string>> = {
  EMFILE: "Skiff has no open file left: raise its limit (ulimit -n)",
  ENFILE: "the system has no open file left: raise fs.file-max",
  EAGAIN: "the system has no process left: raise the limit of Skiff's user or unit (ulimit -u, TasksMax)",
  ENOMEM: "the system has no memory left",
  ENOBUFS: "the system has no buffers left",
};

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
