/**
 * Run as `node watch-memory.ts PID`: prints the most memory that one of the processes which PID started has taken
 * together with those that it started, in bytes, when its input ends.
 */
import { anonymousBytes, processTree } from "../../../../runtimes/deno/walls/process-tree.ts";

const pid = Number(process.argv[2]);
const own = process.pid;
let most = 0;

function childrenOf(parent: number): number[] {
  const tree = new Set(processTree(parent));
  tree.delete(parent);
  for (const child of [...tree])
    for (const other of processTree(child)) if (other !== child) tree.delete(other);
  return [...tree];
}

const sampling = setInterval(() => {
  for (const child of childrenOf(pid)) {
    if (child === own) continue;
    const bytes = processTree(child).reduce((sum, each) => sum + anonymousBytes(each), 0);
    most = Math.max(most, bytes);
  }
}, 20);
process.stdin.resume().once("end", () => {
  clearInterval(sampling);
  console.log(most);
});
