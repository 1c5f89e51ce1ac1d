import { createHash } from "node:crypto";
import { accessSync, constants, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { getCompileCacheDir } from "node:module";
import { join } from "node:path";

interface Compiled {
  readonly code: string;
  /** Paths of all that it was compiled from. */
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
 * Returns the file for a compiled program, beside what Node compiles of modules: whoever can write there can change Skiff
 * itself. Undefined if Node keeps nothing, or the folder cannot be written.
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
    // It was made by another user or is on a full disk. Compiling is only slower.
    return undefined;
  }
  return join(folder, `${hashOf(JSON.stringify(identity))}.json`);
}

/** Returns the code that was kept in this file, unless one of its inputs has changed. */
export function readKept(file: string): string | undefined {
  const text = contentOf(file);
  if (text === undefined) return undefined;
  const { code, hash, inputs } = parse(text);
  const isCurrent = Object.entries(inputs).every(([path, before]) => hashOfFile(path) === before);
  return isCurrent && hash === hashOf(code) ? code : undefined;
}

/** Keeps the code in this file, for later starts. */
export function keepProgram(file: string, { code, inputs }: Compiled): void {
  const hashes = inputs.map((path) => [path, hashOfFile(path)] as const);
  const kept: Kept = { code, hash: hashOf(code), inputs: Object.fromEntries(hashes) };
  const part = `${file}.${process.pid}`;
  try {
    writeFileSync(part, JSON.stringify(kept), { mode: 0o600 });
    renameSync(part, file);
  } catch (error) {
    // The next start compiles again.
    rmSync(part, { force: true });
    if (!["ENOSPC", "EDQUOT"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

function parse(text: string): Kept {
  try {
    return JSON.parse(text) as Kept;
  } catch {
    return { code: "", hash: "", inputs: {} };
  }
}

/** Empty if the file does not exist. */
function hashOfFile(path: string): string {
  const content = contentOf(path);
  return content === undefined ? "" : hashOf(content);
}

/** Undefined if the file does not exist. */
function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
