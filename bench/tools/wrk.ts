import { execFileSync, spawnSync } from "node:child_process";

/** Calls per second that `wrk` gets answered; throws if one was not. */
export function wrk(url: string, connections: number, flags: readonly string[] = []): number {
  const args = ["-t1", `-c${connections}`, "-d1s", ...flags, url];
  const text = execFileSync("wrk", args, { encoding: "utf8" });
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(text)?.[1];
  if (rate === undefined || /Non-2xx|Socket errors/.test(text)) throw new Error(text);
  return Number(rate);
}

/** True if the program is installed; `flag` is one that makes it do nothing. */
export function has(program: string, flag: string): boolean {
  return spawnSync(program, [flag], { stdio: "ignore" }).error === undefined;
}
