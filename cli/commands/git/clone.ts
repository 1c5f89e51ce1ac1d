import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Place } from "../../context/places.ts";
import type { Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";

/** Runs `git clone`. The clone asks `skiff` for the key, so that it is in no file of the clone. */
export async function clone({ api, surroundings }: Task, name: string, folder?: string): Promise<number> {
  const { env, cwd, host, stdout, stderr } = surroundings;
  const { url } = api.place;
  const scope = `credential.${url}/git`;
  const args = [
    ...["clone", "--config", `${scope}.helper=`],
    ...["--config", `${scope}.helper=${helper(api.place, host.command)}`],
    // The helper has the same key for every repository.
    ...["--config", `${scope}.useHttpPath=false`, "--"],
    ...[`${url}/git/${encodeURIComponent(name)}.git`, ...(folder === undefined ? [] : [folder])],
  ];
  const child = spawn("git", args, { cwd, env, stdio: ["inherit", "pipe", "pipe"] });
  child.stdout.on("data", (chunk: Buffer) => stdout.write(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.write(chunk));
  try {
    const [code] = (await once(child, "close")) as [number | null];
    return code ?? 1;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new UsageError("git is not installed on this machine: install it, then try again.");
  }
}

/** The command that git runs, by a shell, when it needs the key. */
function helper({ url, context }: Place, command: string | undefined): string {
  const program = command === undefined ? ["skiff"] : [process.execPath, command];
  const place = context === undefined ? ["--url", url] : ["--context", context];
  return `!${[...program, ...place, "git", "credential"].map(quoted).join(" ")}`;
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
