import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { lastDescendant } from "../../../platform/local/wall/sandbox.ts";

/** Ids of the instances that have or had a process and whose folder is still there; not of places that wait for one. */
export function instancesIn(dataFolder: string): string[] {
  const root = join(dataFolder, "instances");
  return existsSync(root) ? readdirSync(root).filter((id) => existsSync(join(root, id, "pid"))) : [];
}

/** The number of an instance's program, whatever stands around it. */
export function programPid(dataFolder: string, id: string): number {
  const record = readFileSync(join(dataFolder, "instances", id, "pid"), "utf8");
  const { pid } = JSON.parse(record) as { pid: number };
  return process.platform === "linux" ? lastDescendant(pid) : pid;
}
