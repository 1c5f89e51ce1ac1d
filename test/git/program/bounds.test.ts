import assert from "node:assert/strict";
import { GitFailed } from "../../../manager/git/program/git.ts";
import { toGitProblem } from "../../../manager/git/program/git-problem.ts";
import type { Problem } from "../../../platform/problems.ts";
import { programGit } from "../homes/program-git.ts";

describe("the bounds of git", () => {
  it("are no fault of Skiff when a repository is over them", () => {
    const stderr = "remote: x\nfatal: '/data/git/a.git': Out of memory, malloc failed\n";
    const problem = toGitProblem(new GitFailed("show", { exitCode: 128, stderr })) as Problem;
    assert.equal(problem.code, "git_failed");
    assert.match(problem.detail, /\(fatal: '…': Out of memory, malloc failed\)/);
    const late = toGitProblem(new DOMException("late", "TimeoutError")) as Problem;
    assert.match(late.detail, /SKIFF_GIT_TIMEOUT/);
    const other = new Error("other");
    assert.equal(toGitProblem(other), other);
  });

  it("hold for the memory of a command", async () => {
    const { git, close } = programGit();
    try {
      const run = git.run(["version"], { repository: process.cwd(), memoryBytes: 4 * 1024 ** 2 });
      await assert.rejects(run, { name: "GitFailed" });
    } finally {
      await close();
    }
  });
});
