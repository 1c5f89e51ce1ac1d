import { Problem } from "../../../platform/problems.ts";
import { allRefs } from "../homes/bare-repository.ts";
import type { Repositories } from "../repositories.ts";
import { NO_COMMIT, type RefUpdate, shortId, shortRef } from "../repository.ts";
import { isAncestor, readCommits } from "../tree/read-commits.ts";
import {
  type CommitOrder,
  type CommitServices,
  type DeployedFunction,
  deployCommit,
  deployedText,
} from "./deploy-commit.ts";
import { dryRun } from "./dry-run.ts";
import { errorLines } from "./explain.ts";
import { Meanwhile } from "./meanwhile.ts";
import type { Accepted, Push } from "./push.ts";
import { refuseOtherObjects } from "./rules/branch-objects.ts";
import { type Decision, decide } from "./rules/decide.ts";
import { type PushOptions, readPushOptions } from "./rules/push-options.ts";
import { checkRoom, refuseMissingHistory } from "./rules/quarantine.ts";
import { atMost, MOST_LINES } from "./words/ref-lines.ts";

export interface ReceiveServices extends Omit<CommitServices, "git" | "home"> {
  readonly repositories: Repositories;
}

/** Functions that stay as they are and are named. */
const MOST_UNCHANGED = 5;
/** Refs that are named in the log. */
const MOST_NAMES = 5;

/**
 * Decides about a push, and deploys what its branch has.
 * @throws Problem that says why it is refused; nothing is changed then
 */
export async function receivePush(push: Push, services: ReceiveServices): Promise<Accepted> {
  const { repository, updates, say } = push;
  const { git, home } = await services.repositories.tools();
  const all = { ...services, git, home };
  const { state } = repository;
  const { options, decision } = await checkRules(push, all).catch(async (error: unknown) => {
    throw state.tip === null ? error : await withRemains(error, push, state.branch, all);
  });
  if (decision.deploying === undefined) return await store(push, decision);
  const { objects, signal } = push;
  const at = { repository: repository.path, objects, signal };
  const [, [commit]] = await allEnd(
    checkMove(push, decision.deploying, all),
    readCommits(git, { ...at, from: decision.deploying.to, limit: 1 }),
  );
  if (state.tip === null && decision.branch !== state.branch) say(`${decision.branch} deploys from now on`);
  const order: CommitOrder = {
    ...push,
    commit: commit!,
    branch: decision.branch,
    refs: updates,
    byGit: true,
    message: options.message,
    percent: options.percent,
  };
  try {
    if (options.isDryRun) await dryRun(order, all);
    const deployed = await deployCommit(order, all);
    for (const line of storedLines(decision)) say(line);
    for (const line of resultLines(deployed.functions, push.baseUrl)) say(line);
    return {
      result: "deployed",
      detail: deployedText(decision.branch, commit!.id, deployed.functions),
      repository: deployed.repository,
    };
  } catch (error) {
    throw await withRemains(error, push, decision.branch, all);
  }
}

interface Allowed {
  readonly options: PushOptions;
  readonly decision: Decision;
}

/** @throws Problem `push_refused` for a push that nothing needs to be read for to refuse it */
async function checkRules(push: Push, { git, limits }: CommitServices): Promise<Allowed> {
  const { repository, updates } = push;
  const options = readPushOptions(push.options);
  const refs = [...(await allRefs(repository.path)).keys()].filter((ref) =>
    /^refs\/(heads|tags)\//.test(ref),
  );
  const decision = decide(updates, { state: repository.state, refs });
  await allEnd(refuseOtherObjects(git, push), refuseMissingHistory(git, push), checkRoom(push, limits));
  return { options, decision };
}

/** Runs checks at the same time. The first one that fails is the error, when all have ended. */
async function allEnd<T extends unknown[]>(
  ...checks: { readonly [K in keyof T]: Promise<T[K]> }
): Promise<T> {
  await Promise.allSettled(checks);
  const results = [];
  for (const check of checks) results.push(await check);
  return results as T;
}

/** A push of other branches and tags changes no function. */
async function store({ repository, updates, objects, say }: Push, decision: Decision): Promise<Accepted> {
  const saved = await repository.save({
    state: repository.state,
    objects,
    refs: updates,
    byGit: true,
  });
  for (const line of storedLines(decision)) say(line);
  const deleted = updates.filter(({ to }) => to === NO_COMMIT);
  const kept = updates.filter(({ to }) => to !== NO_COMMIT);
  const detail = [...namesAfter("stored", kept), ...namesAfter("deleted", deleted)].join(", ");
  return { result: "stored", detail, repository: saved };
}

/** Nothing without updates. */
function namesAfter(verb: string, updates: readonly RefUpdate[]): string[] {
  if (updates.length === 0) return [];
  const names = updates.map(({ ref }) => shortRef(ref));
  return [`${verb} ${atMost(names, MOST_NAMES).join(", ")}`];
}

function storedLines({ stored, branch }: Decision): string[] {
  const lines = stored.map(({ ref, to }) => {
    const name = shortRef(ref);
    if (to === NO_COMMIT) return `deleted ${name}`;
    if (ref.startsWith("refs/tags/")) return `stored the tag ${name}`;
    return `stored ${name}; ${branch} is what deploys: git push … ${name}:${branch}`;
  });
  return atMost(lines, MOST_LINES);
}

/** @throws Problem `push_refused` unless the commit follows the tip */
async function checkMove(push: Push, { from, to }: RefUpdate, { git }: CommitServices): Promise<void> {
  const { repository, objects, signal } = push;
  const { tip, branch } = repository.state;
  const at = { repository: repository.path, objects, signal };
  if (from !== (tip ?? NO_COMMIT)) {
    const [newest] = tip === null ? [] : await readCommits(git, { ...at, from: tip, limit: 1 });
    const by = newest === undefined ? "" : ` (by ${newest.author})`;
    const detail = `${branch} moved to ${tip && shortId(tip)}${by} meanwhile: fetch, merge and push again.`;
    throw new Problem("push_refused", detail);
  }
  if (tip === null || (await isAncestor(git, { ...at, ancestor: tip, of: to }))) return;
  const detail = `${branch} deploys, and its history stays: fetch, merge and push again. To go back, use skiff rollback.`;
  throw new Problem("push_refused", detail);
}

function resultLines(functions: readonly DeployedFunction[], baseUrl: string): string[] {
  const same = functions.filter(({ isUnchanged }) => isUnchanged);
  const shown = same.slice(0, MOST_UNCHANGED);
  const more = same.length - shown.length;
  return [
    ...shown.map(
      ({ name, version }) => `${name}: unchanged, version ${version} has this source and these settings`,
    ),
    ...(more > 0 ? [`${more} more functions are unchanged`] : []),
    ...functions
      .filter(({ isUnchanged }) => !isUnchanged)
      .map(
        ({ name, version, takesCalls }) =>
          `${baseUrl}/fn/${name}${takesCalls ? "" : `@${version}`}  version ${version}`,
      ),
  ];
}

/** Adds to a refusal what serves still. */
async function withRemains(
  error: unknown,
  { repository, signal }: Push,
  branch: string,
  { platform }: CommitServices,
): Promise<unknown> {
  // After Meanwhile the branch has another commit, which the next fetch brings.
  if (signal.aborted || error instanceof Meanwhile || !(error instanceof Problem)) return error;
  const { tip, functions } = repository.state;
  const serving = await Promise.all(
    Object.keys(functions).map(async (name) => {
      const version = (await platform.describe(name))?.traffic.at(-1)?.version;
      return version === undefined ? [] : [`${name} version ${version}`];
    }),
  );
  const serves = serving.flat();
  const stays = tip === null ? `${branch} stays empty` : `${branch} stays at ${shortId(tip)}`;
  const line =
    serves.length === 0
      ? stays
      : `${stays}, ${serves.join(", ")} ${serves.length === 1 ? "serves" : "serve"}`;
  const { code, detail, extensions } = error as Problem<"build_failed">;
  const { errors = [] } = extensions;
  const isDeclaration = error.code === "invalid_declaration" && errors.length > 0;
  const what = isDeclaration ? errorLines(errors).join("\n") : detail;
  return new Problem(code, `${what}\n${line}`, extensions);
}
