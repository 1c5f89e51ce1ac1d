import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { UsageError } from "../usage-error.ts";

export interface Context {
  readonly url: string;
  readonly key?: string;
}

/** The Skiffs that a person uses, by name. */
export interface ContextFile {
  readonly current?: string;
  readonly contexts: Readonly<Record<string, Context>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** `$XDG_CONFIG_HOME/skiff/config.json`, by default in `~/.config`. */
export function contextPath(env: Environment): string {
  return join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), ".config"), "skiff", "config.json");
}

/** Reads the file; without one there are no contexts. @throws UsageError if it has another form */
export function readContexts(env: Environment): ContextFile {
  const path = contextPath(env);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { contexts: {} };
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}.`);
  }
  try {
    const file = JSON.parse(text) as ContextFile;
    const isRight = Object.values(file.contexts).every(({ url }) => typeof url === "string");
    if (isRight) return file;
  } catch {
    // Reported below like another form.
  }
  throw new UsageError(`${path} has no contexts: mend the file, or remove it and add them again.`);
}

/** Replaces the file, which only this user can read because it has keys. */
export function writeContexts(env: Environment, file: ContextFile): void {
  const path = contextPath(env);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const next = `${path}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify(file, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(next, path);
}
