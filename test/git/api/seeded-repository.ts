import { join } from "node:path";
import type { Home } from "../../../manager/git/homes/home.ts";
import { type CommitId, NO_COMMIT, type RepositoryState } from "../../../manager/git/repository.ts";
import { chainOf, quarantine } from "../homes/commits.ts";

export interface SeedOptions {
  readonly home: Home;
  /** For what is needed meanwhile. */
  readonly folder: string;
  readonly name: string;
  /** Several are a group: each has a folder. */
  readonly functions: readonly string[];
  /** How many; the number of each is that of the version with its source. */
  readonly commits: number;
  /** The kept versions of a function, newest first. */
  readonly versionsOf: (
    name: string,
  ) => Promise<readonly { readonly version: number; readonly hash: string }[]>;
}

/**
 * Makes a repository with a branch `next`, which is one commit behind `main`.
 * @returns the commits of `main`, newest first
 */
export async function seedRepository(options: SeedOptions): Promise<readonly CommitId[]> {
  const { home, folder, name, functions, versionsOf } = options;
  const { commits, pack } = await chainOf(join(folder, `source-${name}`), options.commits);
  const isGroup = functions.length > 1;
  const state: RepositoryState = { branch: "main", isGroup, tip: null, functions: {} };
  const created = await home.create(name, state);
  const members = await Promise.all(
    functions.map(async (each) => {
      const kept = await versionsOf(each);
      const of = kept.map(({ version, hash }) => [version, { commit: commits[version - 1]!, hash }]);
      const { version } = kept[0]!;
      const path = isGroup ? each : ".";
      return [each, { path, version, serving: version, versions: Object.fromEntries(of) }] as const;
    }),
  );
  const [before, tip] = commits.slice(-2) as [CommitId, CommitId];
  await created.save({
    state: { ...state, tip, functions: Object.fromEntries(members) },
    objects: await quarantine(created.path, pack),
    refs: [
      { ref: "refs/heads/main", from: NO_COMMIT, to: tip },
      { ref: "refs/heads/next", from: NO_COMMIT, to: before },
    ],
  });
  return commits.toReversed();
}
