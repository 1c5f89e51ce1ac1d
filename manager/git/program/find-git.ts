import { access, constants, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Problem } from "../../../platform/problems.ts";
import { Capabilities } from "./capabilities.ts";
import { searchPath } from "./environment.ts";
import { GitFailed } from "./git.ts";
import { GitProgram, type GitProgramOptions } from "./git-program.ts";
import { installHook } from "./install-hook.ts";

export interface InstalledGit {
  readonly git: GitProgram;
  /** Such as `2.39.5`. */
  readonly version: string;
  /** Path of `git-http-backend`. */
  readonly backend: string;
  readonly capabilities: Capabilities;
  /** The folder for what git needs besides repositories. */
  readonly folder: string;
  /** The folder with the hook of pushes. */
  readonly hooks: string;
}

export interface FindOptions extends Pick<GitProgramOptions, "bounds" | "timeoutMs"> {
  /** The folder for what git needs besides repositories. */
  readonly folder: string;
  /** The variable `PATH`. */
  readonly path: string | undefined;
}

/**
 * Finds git, and prepares its folders.
 * @throws Problem `git_missing` that says what to install, or that the folder allows no programs
 */
export async function findGit({ folder, path, ...options }: FindOptions): Promise<InstalledGit> {
  const [empty, hooks] = [join(folder, "empty"), join(folder, "hooks")];
  await mkdir(empty, { recursive: true });
  await mkdir(hooks, { recursive: true });
  await installHook(hooks);
  const git = new GitProgram({ ...options, paths: { empty, path: searchPath(path) } });
  const print = async (arg: string) => (await git.run([arg], { repository: empty })).toString().trim();
  let backend: string;
  try {
    // `git http-backend` would start another process for it.
    backend = join(await print("--exec-path"), "git-http-backend");
    await access(backend, constants.X_OK);
  } catch (error) {
    const isMissing = error instanceof GitFailed ? error.exitCode === 127 : isNoProgram(error);
    throw isMissing ? missing() : error;
  }
  const printed = await print("version");
  return {
    git,
    backend,
    capabilities: new Capabilities(git, backend),
    folder,
    hooks,
    version: /\d[\w.]*/.exec(printed)?.[0] ?? printed,
  };
}

function isNoProgram(error: unknown): boolean {
  return ["ENOENT", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "");
}

function missing(): Problem {
  const detail =
    "Repositories need git with git-http-backend on the machine of Skiff, such as the package git (on Alpine also git-daemon): install it. Everything else works without it.";
  return new Problem("git_missing", detail);
}
