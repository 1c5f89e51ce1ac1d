import { Problem } from "../../../platform/problems.ts";
import { GitPlaces } from "../../git/git-places.ts";
import type { CommitId, RepositoryState } from "../../git/repository.ts";
import { diffCommit } from "../../git/tree/diff-commit.ts";
import { hasCommit, readCommits, resolveCommit } from "../../git/tree/read-commits.ts";
import { answerJson } from "../answer.ts";
import { invalidCursor } from "../cursor.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { signalOf, withRepository } from "./repository-access.ts";

/** Commits of a page by default: their messages may be long. */
const PAGE = 50;
/** The newest commit of the first page, and how many come before this page: a push between two pages moves nothing. */
const CURSOR = /^([0-9a-f]{40})-(\d{1,9})$/;

/** `GET /git/NAME/commits`: those of the branch that deploys, newest first, with the versions that they became. */
export function listCommits(services: Services): Handler {
  const { limits } = services;
  const readers = {
    limit: wholeNumber(1, limits.pageSize, Math.min(PAGE, limits.pageSize)),
    cursor: readCursor,
    function: (text: string | undefined) => text,
  };
  return async (ctx) => {
    const { limit, cursor, function: only } = readParameters(ctx, readers);
    const read = withRepository(ctx, services, async ({ git, repository }, signal) => {
      const { state, head } = repository;
      const path = only === undefined ? undefined : pathOf(state, only);
      const from = cursor?.from ?? head;
      if (from === undefined) return { commits: [], next: null };
      if (cursor && !(await hasCommit(git, { repository: repository.path, commit: from, signal })))
        throw invalidCursor();
      const skip = cursor?.skip ?? 0;
      const found = await readCommits(git, {
        ...{ repository: repository.path, from, skip, limit: limit + 1, signal },
        ...(path === undefined ? {} : { path }),
      });
      const versions = versionsByCommit(state);
      const commits = found.slice(0, limit).map((commit) => {
        return { ...commit, versions: versions.get(commit.id) ?? {} };
      });
      return { commits, next: found.length > limit ? `${from}-${skip + limit}` : null };
    });
    answerJson(ctx, await read);
  };
}

/** `GET /git/NAME/commits/ID/diff`: what a commit changes against its first parent. */
export function readCommitDiff(services: Services): Handler {
  // One at a time: a diff may take the most time and memory of all reads.
  const places = new GitPlaces({ places: 1, inAll: 4 * services.limits.gitAtOnce });
  return async (ctx) => {
    readParameters(ctx, {});
    const text = ctx.params.id!;
    const read = () =>
      withRepository(ctx, services, async ({ git, repository }, signal) => {
        const at = { repository: repository.path, signal };
        return diffCommit(git, { ...at, commit: await resolveCommit(git, { ...at, text }) });
      });
    const diff = await places.run(ctx.state.by, signalOf(ctx, services), read);
    ctx.set("content-type", "text/x-diff; charset=utf-8");
    ctx.body = diff;
  };
}

function readCursor(text: string | undefined): { from: CommitId; skip: number } | undefined {
  if (text === undefined) return undefined;
  const [, from, skip] = CURSOR.exec(text) ?? [];
  if (from === undefined) throw invalidCursor();
  return { from, skip: Number(skip) };
}

function pathOf({ functions }: RepositoryState, name: string): string {
  if (Object.hasOwn(functions, name)) return functions[name]!.path;
  const names = Object.keys(functions).join(", ") || "none yet";
  const detail = `The repository has no function "${name.slice(0, 80)}". Its functions: ${names}.`;
  throw new Problem("unknown_function", detail);
}

/** The newest version of each function that has the source of a commit. */
function versionsByCommit({ functions }: RepositoryState): Map<CommitId, Record<string, number>> {
  const found = new Map<CommitId, Record<string, number>>();
  for (const [name, { versions }] of Object.entries(functions)) {
    for (const [number, { commit }] of Object.entries(versions)) {
      const of = found.get(commit) ?? {};
      of[name] = Math.max(of[name] ?? 0, Number(number));
      found.set(commit, of);
    }
  }
  return found;
}
