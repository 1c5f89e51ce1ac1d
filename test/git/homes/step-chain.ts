import { linkSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { CommitId } from "../../../manager/git/repository.ts";
import { plainGit } from "./plain-git.ts";

/** Commits one on another, each with a quarantine that has its objects and no others. */
export interface StepChain {
  readonly commits: readonly CommitId[];
  readonly quarantines: readonly string[];
  /** A folder with the objects of all. */
  readonly objects: string;
}

/** Makes such a chain in a folder, which must be on the disk of the repositories. */
export async function stepChainOf(folder: string, count: number): Promise<StepChain> {
  const repository = join(folder, "steps");
  mkdirSync(repository, { recursive: true });
  await plainGit.run(["init", "-q", "--bare", "."], { repository });
  // Each checkpoint ends a pack.
  const steps = Array.from({ length: count }, (_, index) =>
    [
      "commit refs/heads/main",
      "committer Ada <ada@example.com> 1700000000 +0000",
      "data 4\nStep",
      `M 100644 inline index.ts\ndata ${String(index).length}\n${index}`,
      "\ncheckpoint\n",
    ].join("\n"),
  );
  const args = ["-c", "fastimport.unpackLimit=0", "fast-import", "--quiet"];
  await plainGit.run(args, { repository, input: `${steps.join("\n")}\n` });
  const listed = await plainGit.run(["rev-list", "--reverse", "main"], { repository });
  const commits = listed.toString().trim().split("\n");
  const packs = join(repository, "objects", "pack");
  const indexes = readdirSync(packs).filter((name) => name.endsWith(".idx"));
  const contents = indexes.map((name) => readFileSync(join(packs, name)));
  const quarantines = commits.map((commit, step) => {
    // Its commit is in no other pack: an index has the ids as they are.
    const index = indexes[contents.findIndex((content) => content.includes(Buffer.from(commit, "hex")))]!;
    const quarantine = join(folder, `quarantine-${step + 1}`);
    mkdirSync(join(quarantine, "pack"), { recursive: true });
    for (const file of [index, index.replace(".idx", ".pack")]) {
      linkSync(join(packs, file), join(quarantine, "pack", file));
    }
    return quarantine;
  });
  return { commits, quarantines, objects: join(repository, "objects") };
}
