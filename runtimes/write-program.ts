import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";

/** Writes a compiled program to a file that all users may read. It holds nothing secret. */
export function writeProgram(file: string, code: string): void {
  // On a full disk the file of an earlier start can be used, but not written again.
  if (!existsSync(file) || readFileSync(file, "utf8") !== code) {
    // It is read-only.
    rmSync(file, { force: true });
    writeFileSync(file, code);
  }
  // Instances may have users of their own.
  chmodSync(file, 0o444);
}
