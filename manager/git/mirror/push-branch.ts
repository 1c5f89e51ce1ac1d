import { Problem, toProblem } from "../../../platform/problems.ts";
import { GitFailed } from "../program/git.ts";
import type { GitProgram, StartOptions } from "../program/git-program.ts";
import { branchRef, type CommitId, shortId } from "../repository.ts";
import { toMirrorProblem } from "./mirror-failure.ts";
import { type MirrorOutcome, mirrorOf, recordLast } from "./mirror-state.ts";
import type { MirrorServices } from "./pull.ts";
import { reachMirror } from "./reach.ts";

/**
 * Pushes what is deployed to the branch that follows it. Never forced.
 * @throws Problem `mirror_failed`, `unknown_mirror`, `unknown_secret`, `secrets_unavailable`
 */
export async function pushMirror(
  services: MirrorServices,
  { name, signal: asked }: { readonly name: string; readonly signal: AbortSignal },
): Promise<MirrorOutcome> {
  const { repositories, limits, now } = services;
  const signal = AbortSignal.any([asked, AbortSignal.timeout(limits.gitMs)]);
  const { git, version: gitVersion, repository } = await repositories.read(name, signal);
  const { state, path } = repository;
  const mirror = mirrorOf(name, state, "push");
  const { url, secret, branch = state.branch } = mirror;
  const { tip } = state;
  if (tip === null) throw new Problem("mirror_failed", `The repository "${name}" has no commit to push yet.`);
  const record = (error?: string) => {
    const last = { at: now(), commit: tip, ...(error === undefined ? {} : { error }) };
    return recordLast(services, { name, url }, last);
  };
  try {
    const { config, env } = await reachMirror(mirror, { ...services, gitVersion });
    await pushTip(git, { url, branch, tip }, { repository: path, config, env, signal });
  } catch (error) {
    const { gitMs: timeoutMs, pushBytes: mostBytes } = limits;
    const problem = toMirrorProblem(error, { url, branch, secret, timeoutMs, mostBytes });
    await record(toProblem(problem).detail);
    throw problem;
  }
  await record();
  return {
    ...{ direction: "push", result: "pushed", branch, commit: tip },
    detail: `${branch} ${shortId(tip)} at ${url}`,
  };
}

const REJECTED = /\[(?:remote )?rejected\]/;

interface Target {
  readonly url: string;
  readonly branch: string;
  readonly tip: CommitId;
}

/** Every manager pushes what is deployed. One that is rejected because another one was faster has not failed. */
async function pushTip(
  git: GitProgram,
  { url, branch, tip }: Target,
  options: Pick<StartOptions, "repository" | "config" | "env" | "signal">,
): Promise<void> {
  const ref = branchRef(branch);
  try {
    await git.run(["push", "--quiet", "--no-verify", "--end-of-options", url, `${tip}:${ref}`], options);
  } catch (error) {
    if (!(error instanceof GitFailed && REJECTED.test(error.stderr))) throw error;
    const listed = await git.run(["ls-remote", "--quiet", "--end-of-options", url, ref], options);
    if (!listed.toString().split("\n").includes(`${tip}\t${ref}`)) throw error;
  }
}
