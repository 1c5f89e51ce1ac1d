import { chmodSync, copyFileSync, linkSync, statSync } from "node:fs";

const EXECUTE = 0o111;

/** Makes a file readable, and executable if it was, for the user of an instance, by a link, or by a copy on another file system. */
export function linkFile(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["EXDEV", "EPERM", "EMLINK", "ENOTSUP"].includes(code)) throw error;
    copyFileSync(from, to);
  }
  chmodSync(to, 0o444 | (statSync(to).mode & EXECUTE));
}
