import type { SmallFiles } from "./small-files.ts";

/** An instance has a handful of processes: its sandbox and Deno. More than this are not its own. */
const MOST = 64;

/** A process and all that descend from it, the process first; empty when it has ended. Linux alone. */
export function processTree(files: SmallFiles, root: number, most = MOST): number[] {
  const found = [root];
  for (let i = 0; i < found.length && found.length < most; i++) {
    const pid = found[i]!;
    // Children are listed by the thread that made them: a sandbox has one thread, and a function makes no process.
    const children = files.text(`/proc/${pid}/task/${pid}/children`);
    if (children === undefined && i === 0) return [];
    for (const child of (children ?? "").split(" ")) if (child !== "") found.push(Number(child));
  }
  return found;
}
