import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const WITHIN_MS = 60_000;

/**
 * What kubectl prints; manifests can be given as its input.
 * @throws Error with what it printed on the standard error
 */
export async function kubectl(...args: readonly string[]): Promise<string> {
  const { stdout } = await run("kubectl", args, { timeout: WITHIN_MS, maxBuffer: 64 * 1024 * 1024 });
  return stdout.trim();
}

/** `kubectl apply` of a manifest, or of a text in YAML. */
export async function applyManifest(manifest: object | string): Promise<void> {
  const child = run("kubectl", ["apply", "-f", "-"], { timeout: WITHIN_MS });
  child.child.stdin!.end(typeof manifest === "string" ? manifest : JSON.stringify(manifest));
  await child;
}
