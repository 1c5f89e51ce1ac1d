import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { commandLine } from "../../../platform/local/instances/process-table.ts";

/** Numbers of the processes whose command line contains `text`. */
export function processesWith(text: string): number[] {
  if (process.platform === "linux") {
    const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
    return pids.filter((pid) => pid !== process.pid && commandLine(pid)?.includes(text));
  }
  const { stdout } = spawnSync("ps", ["axww", "-o", "pid=,command="], { encoding: "utf8" });
  const lines = stdout.split("\n").filter((line) => line.includes(text));
  return lines.map((line) => Number.parseInt(line, 10)).filter((pid) => pid !== process.pid);
}

/** A process and everything below it, by /proc. */
export function processTree(pid: number): number[] {
  const all = readdirSync("/proc").map(Number).filter(Number.isInteger);
  const parents = new Map(
    all.flatMap((each) => {
      try {
        const stat = readFileSync(`/proc/${each}/stat`, "utf8");
        return [[each, Number(stat.slice(stat.lastIndexOf(")") + 4).split(" ")[0])] as const];
      } catch {
        // It has ended.
        return [];
      }
    }),
  );
  const isBelow = (each: number | undefined): boolean =>
    each !== undefined && each > 1 && (each === pid || isBelow(parents.get(each)));
  return all.filter(isBelow);
}
