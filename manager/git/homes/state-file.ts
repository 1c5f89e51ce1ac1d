import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../../../platform/problems.ts";
import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import type { FunctionState, RefUpdate, RepositoryState } from "../repository.ts";
import { writeDurably } from "./files/durable-files.ts";

const NAME = "skiff-state.json";

/** What a folder says of its repository besides what git knows. */
export interface KeptState {
  /** One more for each save. */
  readonly revision: number;
  readonly updatedAt: Date;
  readonly state: RepositoryState;
  /** Refs that the save moves after this was written. */
  readonly moves: readonly RefUpdate[];
}

/**
 * Reads the state in the folder of a repository; undefined if it has none.
 * @throws Problem `internal_error` with what to do if it is broken
 */
export async function readState(path: string): Promise<KeptState | undefined> {
  const file = join(path, NAME);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { revision, updatedAt, state, moves } = JSON.parse(text) as KeptState & { updatedAt: string };
    const at = new Date(updatedAt);
    if (!Number.isSafeInteger(revision) || Number.isNaN(at.getTime()) || !Array.isArray(moves)) {
      throw new Error("a member is missing");
    }
    return { revision, updatedAt: at, state: checkState(state), moves };
  } catch (error) {
    const remedy = `restore it from a backup, or remove the folder ${path}: Skiff makes the repository again from the kept versions`;
    const detail = `The file ${file} is broken (${(error as Error).message}): ${remedy}.`;
    throw new Problem("internal_error", detail);
  }
}

export function writeState(path: string, kept: KeptState): Promise<void> {
  return writeDurably(join(path, NAME), `${JSON.stringify(kept)}\n`);
}

/**
 * Checks what was read as the state of a repository.
 * @throws Error if it is none
 */
export function checkState(value: unknown): RepositoryState {
  if (!isRecord(value)) throw new Error("the state is missing");
  const { branch, isGroup, functions } = value;
  if (typeof branch !== "string" || branch === "") throw new Error("the branch is missing");
  if (typeof isGroup !== "boolean") throw new Error("isGroup is missing");
  if (!isRecord(functions)) throw new Error("the functions are missing");
  for (const [name, each] of Object.entries(functions)) {
    if (!isFunctionState(each)) throw new Error(`the function ${name} is not complete`);
  }
  return value as unknown as RepositoryState;
}

function isFunctionState(value: unknown): value is FunctionState {
  if (!isRecord(value)) return false;
  const { path, version, serving, versions } = value;
  return (
    typeof path === "string" &&
    Number.isSafeInteger(version) &&
    typeof serving === "number" &&
    isRecord(versions) &&
    Object.values(versions).every((each) => isRecord(each) && isText(each.commit) && isText(each.hash))
  );
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
