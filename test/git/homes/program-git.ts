import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { searchPath } from "../../../manager/git/program/environment.ts";
import { GitProgram } from "../../../manager/git/program/git-program.ts";

/** The git of Skiff, with an empty folder that the caller removes. */
export function gitProgramIn(empty: string): GitProgram {
  return new GitProgram({
    paths: { empty, path: searchPath(process.env.PATH) },
    bounds: { pushBytes: 1024 ** 3 },
    timeoutMs: 60_000,
  });
}

/** The git of Skiff, with a folder that lasts as long as the tests. */
export function programGit(): { readonly git: GitProgram; readonly close: () => Promise<void> } {
  const empty = mkdtempSync(join(tmpdir(), "skiff-test-git-"));
  const git = gitProgramIn(empty);
  return {
    git,
    close: async () => {
      await git.close();
      rmSync(empty, { recursive: true, force: true });
    },
  };
}
