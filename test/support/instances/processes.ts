import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
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
