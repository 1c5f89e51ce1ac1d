import { Problem } from "../../../platform/problems.ts";
import type { Repositories } from "../repositories.ts";
import type { Mirror, RepositoryState } from "../repository.ts";

/** What a fetch or push of a mirror came to. */
export interface MirrorOutcome {
  readonly direction: Mirror["direction"];
  readonly result: "deployed" | "pushed" | "unchanged";
  /** The branch there, and what it is at. */
  readonly branch: string;
  readonly commit: string;
  /** Such as `main abc1234: hello version 4`. */
  readonly detail: string;
}

/** @throws Problem `unknown_mirror` */
export function mirrorOf(name: string, { mirror }: RepositoryState, direction?: Mirror["direction"]): Mirror {
  if (mirror !== undefined && (direction === undefined || mirror.direction === direction)) return mirror;
  const detail = `The repository "${name}" has no mirror${direction ? ` to ${direction}` : ""}: set one with PUT /git/${name}/mirror.`;
  throw new Problem("unknown_mirror", detail);
}

/** Records how an attempt ended, in the turn of the repository. Prints why that cannot be stored. */
export async function recordLast(
  { repositories, print }: { readonly repositories: Repositories; readonly print: (line: string) => void },
  { name, url }: MirrorPlace,
  last: NonNullable<Mirror["last"]>,
): Promise<void> {
  const { closing } = repositories;
  const record = () => saveMirror(repositories, { name, url }, { last });
  await repositories.inTurn(name, closing, record).catch((reason: Error) => {
    if (closing.aborted) return;
    print(`git: how the mirror of ${name} at ${url} ended cannot be stored: ${reason.message}`);
  });
}

interface MirrorPlace {
  readonly name: string;
  readonly url: string;
}

/** Another manager may save the repository between its opening and its saving. */
const TRIES = 5;

/** Replaces parts of a mirror in the turn of its repository, unless another mirror was set meanwhile. */
export async function saveMirror(
  repositories: Repositories,
  { name, url }: MirrorPlace,
  change: Partial<Mirror>,
): Promise<void> {
  const { home } = await repositories.tools();
  for (let attempt = 1; ; attempt++) {
    const repository = await home.open(name);
    const mirror = repository?.state.mirror;
    if (repository === undefined || mirror?.url !== url) return;
    try {
      await repository.save({ state: { ...repository.state, mirror: { ...mirror, ...change } } });
      return;
    } catch (error) {
      if (attempt === TRIES || !isConflict(error)) throw error;
    }
  }
}

/** Whether another manager is changing the repository. */
export function isConflict(error: unknown): boolean {
  return error instanceof Problem && error.code === "repository_conflict";
}
