/**
 * Run as `node watch-memory.ts PID`: prints the most memory that one of the processes which PID started has taken
 * together with those that it started, in bytes, when its input ends.
 */
import { processTree } from "../../../../process/proc/process-tree.ts";
import { fieldOf, SmallFiles } from "../../../../process/proc/small-files.ts";

const pid = Number(process.argv[2]);
const own = process.pid;
const files = new SmallFiles();
const treeOf = (root: number) => processTree(files, root, { most: 10_000, ofAllThreads: true });
const anonymousBytes = (each: number) => fieldOf(files.text(`/proc/${each}/status`) ?? "", "RssAnon:") * 1024;
let most = 0;

function childrenOf(parent: number): number[] {
  const tree = new Set(treeOf(parent));
  tree.delete(parent);
  for (const child of [...tree]) for (const other of treeOf(child)) if (other !== child) tree.delete(other);
  return [...tree];
}

const sampling = setInterval(() => {
  for (const child of childrenOf(pid)) {
    if (child === own) continue;
    const bytes = treeOf(child).reduce((sum, each) => sum + anonymousBytes(each), 0);
    most = Math.max(most, bytes);
  }
}, 20);
process.stdin.resume().once("end", () => {
  clearInterval(sampling);
  console.log(most);
});
