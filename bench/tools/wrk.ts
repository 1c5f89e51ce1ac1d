import { execFileSync, spawnSync } from "node:child_process";

/** Returns the answered calls per second of `wrk`. @throws Error if a call failed */
export function wrk(url: string, connections: number, flags: readonly string[] = []): number {
  const args = ["-t1", `-c${connections}`, "-d1s", ...flags, url];
  const text = execFileSync("wrk", args, { encoding: "utf8" });
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(text)?.[1];
  if (rate === undefined || /Non-2xx|Socket errors/.test(text)) throw new Error(text);
  return Number(rate);
}

/** True if the program is installed. With `flag` it must do nothing. */
export function has(program: string, flag: string): boolean {
  return spawnSync(program, [flag], { stdio: "ignore" }).error === undefined;
}
