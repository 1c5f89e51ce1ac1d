import { mkdirSync } from "node:fs";
import type { ProgramMessage } from "./program-message.ts";

/** Leaves the mark of a start. Returns true if an earlier start has left it: the files of its call are still there. */
export function isRestarted({ startMark }: Pick<ProgramMessage, "startMark">): boolean {
  if (startMark === undefined) return false;
  try {
    mkdirSync(startMark);
    return false;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return true;
    throw error;
  }
}
