import { createHash } from "node:crypto";
import { accessSync, constants, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { getCompileCacheDir } from "node:module";
import { join } from "node:path";

interface Compiled {
  readonly code: string;
  /** Paths of all files that it was compiled from. */
  readonly inputs: readonly string[];
}

interface Kept {
  readonly code: string;
  /** The hash of the code: a crash may leave a part of it. */
  readonly hash: string;
  /** The hash of each input by its path. */
  readonly inputs: Readonly<Record<string, string>>;
}

/**
 * Returns the file for a compiled program, beside the modules that Node has compiled: a user who can write there can change
 * Skiff itself. Undefined if Node keeps nothing, or the folder cannot be written.
 * @param identity what the code depends on besides the content of its inputs
 */
export function keptFile(identity: readonly string[]): string | undefined {
  const cache = getCompileCacheDir();
  if (cache === undefined) return undefined;
  const folder = join(cache, "programs");
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.W_OK);
  } catch {
    // Another user made it, or it cannot be made. Compiling is only slower.
    return undefined;
  }
  return join(folder, `${hashOf(JSON.stringify(identity))}.json`);
}

/** Returns the code that was kept in this file, unless one of its inputs has changed or something cannot be read. */
export function readKept(file: string): string | undefined {
  try {
    const kept: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (!isKept(kept) || kept.hash !== hashOf(kept.code)) return undefined;
    const isCurrent = Object.entries(kept.inputs).every(([path, before]) => hashOfFile(path) === before);
    return isCurrent ? kept.code : undefined;
  } catch {
    // Compiling is only slower, and reports what is wrong with an input.
    return undefined;
  }
}

/**
 * Keeps the code in this file, for later starts.
 * @throws Error if an input cannot be read or the file cannot be written
 */
export function keepProgram(file: string, { code, inputs }: Compiled): void {
  const hashes = inputs.map((path) => [path, hashOfFile(path)] as const);
  const kept: Kept = { code, hash: hashOf(code), inputs: Object.fromEntries(hashes) };
  const part = `${file}.${process.pid}`;
  try {
    writeFileSync(part, JSON.stringify(kept), { mode: 0o600 });
    renameSync(part, file);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

function isKept(value: unknown): value is Kept {
  const { code, hash, inputs } = Object(value) as Partial<Record<keyof Kept, unknown>>;
  return typeof code === "string" && typeof hash === "string" && Object(inputs) === inputs;
}

/** Empty if the file does not exist. */
function hashOfFile(path: string): string {
  try {
    return hashOf(readFileSync(path, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
