import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export interface PostLoad {
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

const SCRIPT = `
wrk.method = "POST"
wrk.body = string.rep("x", 200)
done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("figures %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), failed))
end
`;

/** POSTs 200 bytes with `wrk` from many connections. @throws Error if a request failed */
export async function postLoad(
  url: string,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<PostLoad> {
  const folder = mkdtempSync(join(tmpdir(), "skiff-post-"));
  const script = join(folder, "post.lua");
  writeFileSync(script, SCRIPT);
  try {
    const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "-s", script, url];
    const { stdout } = await promisify(execFile)("wrk", args);
    const figures = /^figures (\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(stdout)?.slice(1).map(Number);
    if (figures?.[4] !== 0) throw new Error(stdout);
    const [requests, us, medianUs, p99Us] = figures as [number, number, number, number];
    return {
      perSecond: (requests * 1_000_000) / us,
      medianMs: medianUs / 1_000,
      p99Ms: p99Us / 1_000,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
