import { execFileSync, spawnSync } from "node:child_process";

/** Returns the answered calls per second of `wrk`. @throws Error if a call failed */
export function wrk(url: string, connections: number, flags: readonly string[] = []): number {
  const args = ["-t1", `-c${connections}`, "-d1s", ...flags, url];
  const text = execFileSync("wrk", args, { encoding: "utf8" });
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(text)?.[1];
  if (rate === undefined || /Non-2xx|Socket errors/.test(text)) throw new Error(text);
  return Number(rate);
}

const FIGURES = `
done = function(summary, latency)
  io.write("figures ", summary.requests, " ", summary.bytes, " ", summary.duration, "\\n")
end
`;

export interface WrkRun {
  readonly perSecond: number;
  readonly requests: number;
  /** Received bytes, also those of answers that were incomplete at the end. */
  readonly bytes: number;
}

/**
 * Runs `wrk` for a second with a Lua script, which may set the requests.
 * @param script path; the file must begin with `wrkScript`
 * @throws Error if a call failed
 */
export function wrkWith(script: string, url: string, connections: number): WrkRun {
  const args = ["-t1", `-c${connections}`, "-d1s", "-s", script, url];
  const text = execFileSync("wrk", args, { encoding: "utf8" });
  const [, requests, bytes, durationUs] = /^figures (\d+) (\d+) (\d+)$/m.exec(text) ?? [];
  if (requests === undefined || /Non-2xx|Socket errors/.test(text)) throw new Error(text);
  const perSecond = Number(requests) / (Number(durationUs) / 1_000_000);
  return { perSecond, requests: Number(requests), bytes: Number(bytes) };
}

/** Returns a script for `wrkWith`. */
export function wrkScript(requests: string): string {
  return requests + FIGURES;
}

/** True if the program is installed. With `flag` it must do nothing. */
export function has(program: string, flag: string): boolean {
  return spawnSync(program, [flag], { stdio: "ignore" }).error === undefined;
}
