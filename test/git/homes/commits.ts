import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { CommitId, RepositoryState } from "../../../manager/git/repository.ts";
import { plainGit } from "./plain-git.ts";

const WHO = "Ada <ada@example.com> 1700000000 +0000";

/** A pack with a chain of commits, as a push brings it. */
export interface Chain {
  readonly commits: readonly CommitId[];
  readonly pack: Buffer;
}

/** Makes commits one on another, each with a file `index.ts` that says its number. */
export async function chainOf(folder: string, count: number): Promise<Chain> {
  mkdirSync(folder, { recursive: true });
  await plainGit.run(["init", "-q", "--bare", "."], { repository: folder });
  const stream = Array.from({ length: count }, (_, index) => {
    const [message, content] = [`Commit ${index + 1}`, `export default () => ${index + 1};\n`];
    return [
      "commit refs/heads/main",
      `committer ${WHO}`,
      `data ${message.length}\n${message}`,
      `M 100644 inline index.ts\ndata ${content.length}\n${content}`,
    ].join("\n");
  });
  await plainGit.run(["fast-import", "--quiet"], { repository: folder, input: `${stream.join("\n")}\n` });
  const listed = await plainGit.run(["rev-list", "--reverse", "main"], { repository: folder });
  const commits = listed.toString().trim().split("\n");
  const args = ["pack-objects", "--revs", "--stdout", "-q"];
  return { commits, pack: await plainGit.run(args, { repository: folder, input: "main\n" }) };
}

/** Puts a pack into a quarantine of the repository, as `git receive-pack` does. Returns its folder. */
export async function quarantine(repository: string, pack: Uint8Array, name = "1"): Promise<string> {
  const objects = join(repository, "objects", `tmp_objdir-incoming-${name}`);
  mkdirSync(join(objects, "pack"), { recursive: true });
  await plainGit.run(["index-pack", "--stdin", "--fix-thin"], { repository, objects, input: pack });
  return objects;
}

export function stateOf(version: number, commits: readonly CommitId[] = [], name = "hello"): RepositoryState {
  const numbered = commits.map(
    (id, index) => [String(index + 1), { commit: id, hash: `hash ${id}` }] as const,
  );
  const kept = Object.fromEntries(numbered.slice(0, version));
  const functions = { [name]: { path: ".", version, serving: version, versions: kept } };
  return { branch: "main", isGroup: false, tip: commits[version - 1] ?? null, functions };
}
