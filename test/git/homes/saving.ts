/** Saves step after step until it is killed, and prints the number of each that is kept. */
import { FolderHome } from "../../../manager/git/homes/folder-home.ts";
import { ALONE } from "../../../manager/git/homes/home.ts";
import { StoredHome } from "../../../manager/git/homes/stored/stored-home.ts";
import { NO_COMMIT } from "../../../manager/git/repository.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { PostgresStore } from "../../../store/postgres/postgres-store.ts";
import { stateOf } from "./commits.ts";
import { programGit } from "./program-git.ts";
import type { StepChain } from "./step-chain.ts";

const [folder = "", url = "", chain = ""] = process.argv.slice(2);
const { commits, quarantines } = JSON.parse(chain) as StepChain;
const { git } = programGit();
const limits = limitsFromEnv({});
const store = url === "" ? undefined : new PostgresStore({ url, limits, print: () => {} });
const home = store
  ? new StoredHome({ folder, git, repositories: store.repositories, limits, manager: ALONE })
  : new FolderHome({ folder, git });

let repository = (await home.open("killed")) ?? (await home.create("killed", stateOf(0, [], "killed")));
for (let step = (repository.state.functions.killed?.version ?? 0) + 1; step <= commits.length; step++) {
  repository = await repository.save({
    state: stateOf(step, commits, "killed"),
    objects: quarantines[step - 1]!,
    refs: [{ ref: "refs/heads/main", from: commits[step - 2] ?? NO_COMMIT, to: commits[step - 1]! }],
  });
  process.stdout.write(`${step}\n`);
}
