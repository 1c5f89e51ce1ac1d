import { Problem } from "../../../platform/problems.ts";
import { printable } from "../../../process/printable.ts";
import { GitFailed } from "./git.ts";

const LINE_CHARACTERS = 300;
/** Paths of repositories are not shown to clients. */
const ABSOLUTE_PATH = /(?<=^|[\s'"(])\/[^\s'")]+/g;

/**
 * Turns a failure of git into a Problem for the client: a repository may be more than git can read within its bounds.
 * Errors that are not from git stay as they are.
 */
export function toGitProblem(error: unknown): unknown {
  if (error instanceof DOMException && error.name === "TimeoutError") {
    const detail = "Git took longer than SKIFF_GIT_TIMEOUT: try again, or raise it.";
    return new Problem("git_failed", detail, { setting: "SKIFF_GIT_TIMEOUT" });
  }
  if (!(error instanceof GitFailed)) return error;
  const lines = error.stderr.split(/[\r\n]+/).map((line) => line.trim());
  const said = lines.find((line) => /^(fatal|error):/.test(line)) ?? "it was killed";
  const reason = printable(said.replaceAll(ABSOLUTE_PATH, "…").slice(0, LINE_CHARACTERS));
  const detail = `Git failed on this repository (${reason}): it may be broken, or too large for the bounds of git. The log of Skiff has more.`;
  return new Problem("git_failed", detail);
}
