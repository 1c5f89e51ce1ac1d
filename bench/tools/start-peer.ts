import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Starts peer.ts with its arguments. Returns the port. */
export async function startPeer(kind: string, unix: string, children: ChildProcess[]): Promise<number> {
  const program = fileURLToPath(new URL("peer.ts", import.meta.url));
  const child = spawn(process.execPath, [program, kind, unix], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${kind} exited with code ${code}`)));
    child.stdout.once("data", (chunk: Buffer) => resolve(Number(chunk.toString())));
  });
}
