import { type Principal, requireFunction } from "../../../http/access/principal.ts";
import { clientSignal } from "../../../http/client-signal.ts";
import { checkFunctionName } from "../../../platform/function-name.ts";
import { Problem } from "../../../platform/problems.ts";
import type { RepositoryWork } from "../../git/repositories.ts";
import type { RepositoryState } from "../../git/repository.ts";
import type { Call, Services } from "../services.ts";

/** Whether somebody may see a repository: all of its functions are theirs. */
export function maySee(
  { functions: only }: Principal,
  { name, state }: { readonly name: string; readonly state: RepositoryState },
): boolean {
  return only === undefined || membersOf(name, state).every((each) => only.includes(each));
}

/**
 * Requires every function of a repository, or the function with its name where there is none yet.
 * @throws Problem `insufficient_scope`
 */
export async function requireRepository(
  principal: Principal,
  name: string,
  { repositories }: Pick<Services, "repositories">,
): Promise<void> {
  if (principal.functions === undefined) return;
  const { home } = await repositories.tools();
  requireMembers(principal, name, (await home.find(name))?.state);
}

/** @throws Problem `insufficient_scope` */
export function requireMembers(principal: Principal, name: string, state: RepositoryState | undefined): void {
  for (const each of membersOf(name, state)) requireFunction(principal, each);
}

/** Reads the repository that the path names, and answers with what `read` makes of it. */
export async function withRepository<T>(
  ctx: Call,
  services: Services,
  read: (work: RepositoryWork, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { repositories } = services;
  const name = checkFunctionName(ctx.params.name);
  const signal = signalOf(ctx, services);
  return await repositories.serve(ctx.state.by, signal, async () => {
    await requireRepository(ctx.state.principal, name, services);
    const work = await repositories.read(name, signal);
    requireMembers(ctx.state.principal, name, work.repository.state);
    return await read(work, signal);
  });
}

/** Says only what was looked up: a function with the name may exist, whose repository was not made yet. */
export function noRepository(name: string): Problem {
  return new Problem("unknown_repository", `There is no repository "${name}".`);
}

/**
 * Rethrows an error unless nothing has the name, not even a function in another repository. Then a first push or pull
 * creates the repository and its function.
 */
export async function rethrowUnlessFree(
  error: unknown,
  name: string,
  { repositories }: Pick<Services, "repositories">,
): Promise<void> {
  if (!(error instanceof Problem) || error.code !== "unknown_repository") throw error;
  const { home } = await repositories.tools();
  if ((await home.ownerOf(name)) !== undefined) throw error;
}

/** Aborts when the client leaves, the manager closes, or the time of the request is over. */
export function signalOf(ctx: Call, { repositories, limits }: Services): AbortSignal {
  return AbortSignal.any([clientSignal(ctx.res), repositories.closing, AbortSignal.timeout(limits.gitMs)]);
}

function membersOf(name: string, state: RepositoryState | undefined): readonly string[] {
  const members = Object.keys(state?.functions ?? {});
  return members.length === 0 ? [name] : members;
}
