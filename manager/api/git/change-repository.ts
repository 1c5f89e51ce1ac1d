import { checkFunctionName } from "../../../platform/function-name.ts";
import { Problem } from "../../../platform/problems.ts";
import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import { readRef } from "../../git/homes/bare-repository.ts";
import type { KeptRepository, OpenRepository } from "../../git/homes/home.ts";
import type { RepositoryWork } from "../../git/repositories.ts";
import { branchRef } from "../../git/repository.ts";
import { readTree } from "../../git/tree/read-tree.ts";
import { MOST_FILES } from "../../git/tree/tree.ts";
import { answerJson } from "../answer.ts";
import { readJson } from "../read-json.ts";
import { readParameters } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { isBranchName } from "./branch-name.ts";
import { noRepository, requireMembers, requireRepository, signalOf } from "./repository-access.ts";
import { repositoryDocument } from "./repository-document.ts";

const BODY_BYTES = 4 * 1024;
const PATCH_TYPES = ["application/merge-patch+json"];

/** `PATCH /git/NAME`: another branch deploys. Deploys nothing itself: the next push to that branch does. */
export function changeRepository(services: Services): Handler {
  const { repositories, print } = services;
  return async (ctx) => {
    readParameters(ctx, {});
    const name = checkFunctionName(ctx.params.name);
    const branch = branchOf(await readJson(ctx.req, { maxBytes: BODY_BYTES, types: PATCH_TYPES }));
    const { principal } = ctx.state;
    await requireRepository(principal, name, services);
    const signal = signalOf(ctx, services);
    const change = () =>
      repositories.change(name, signal, async (work) => {
        requireMembers(principal, name, work.repository.state);
        const changed = await withBranch(work, branch, { builder: services.builder, signal });
        return repositoryDocument(changed, services, ctx);
      });
    const changed = await repositories.serve(ctx.state.by, signal, change);
    print(`the branch ${branch} of the repository ${name} deploys`);
    ctx.state.audited = { target: `git/${name}`, detail: `branch ${branch}` };
    answerJson(ctx, changed);
  };
}

/** `DELETE /git/NAME`: removes a repository. Its functions stay; that of a function is made anew when git asks for it. */
export function removeRepository(services: Services): Handler {
  const { repositories, print } = services;
  return async (ctx) => {
    readParameters(ctx, {});
    const name = checkFunctionName(ctx.params.name);
    const { home } = await repositories.tools();
    await repositories.inTurn(name, signalOf(ctx, services), async () => {
      const repository = await home.find(name);
      requireMembers(ctx.state.principal, name, repository?.state);
      if (repository === undefined) throw noRepository(name);
      refusePending(repository);
      await home.remove(name);
    });
    print(`deleted the repository ${name}`);
    answerJson(ctx, { success: true });
  };
}

interface BranchMeans {
  readonly builder: Services["builder"];
  readonly signal: AbortSignal;
}

async function withBranch(
  { git, repository }: RepositoryWork,
  branch: string,
  { builder, signal }: BranchMeans,
): Promise<OpenRepository> {
  const { name, state, path } = repository;
  if (branch === state.branch) return repository;
  refusePending(repository);
  const head = await readRef(path, branchRef(branch));
  if (head === undefined && state.tip !== null) {
    const detail = `The repository "${name}" has no branch "${branch}": push it first, as in git push origin ${state.branch}:${branch}.`;
    throw new Problem("invalid_request", detail);
  }
  if (head !== undefined) {
    // Nothing has read what is stored beside the branch that deploys, and every later push builds on this.
    const limits = { bytes: builder.folderBytes, files: MOST_FILES };
    await readTree(git, { repository: path, commit: head, signal }, limits);
  }
  return await repository.save({ state: { ...state, branch, tip: head ?? null } });
}

/** @throws Problem `repository_conflict` */
function refusePending({ name, state: { pending } }: KeptRepository): void {
  if (pending === undefined) return;
  const detail = `A push to the repository "${name}" is being deployed: try again when it has ended.`;
  throw new Problem("repository_conflict", detail);
}

/** @throws Problem `invalid_request` */
function branchOf(body: unknown): string {
  const { branch, ...others } = isRecord(body) ? body : {};
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    const detail = `The member "${unknown.slice(0, 40)}" is unknown: a repository has the member branch.`;
    throw new Problem("invalid_request", detail);
  }
  if (typeof branch === "string" && isBranchName(branch)) return branch;
  const given =
    branch === undefined
      ? "The body names no branch"
      : `${JSON.stringify(branch).slice(0, 80)} is not a branch`;
  throw new Problem("invalid_request", `${given}: send one, as in {"branch": "main"}.`);
}
