import { Problem } from "../../../../platform/problems.ts";
import type { Git } from "../../program/git.ts";
import { NO_COMMIT, shortId, shortRef } from "../../repository.ts";
import type { Push } from "../push.ts";

/**
 * Refuses branches at an annotated tag, a tree or a file, which git refuses after the deploy.
 * @throws Problem `push_refused`
 */
export async function refuseOtherObjects(git: Git, push: Push): Promise<void> {
  const { repository, objects, updates, signal } = push;
  const branches = updates.filter(({ ref, to }) => ref.startsWith("refs/heads/") && to !== NO_COMMIT);
  if (branches.length === 0) return;
  const at = { repository: repository.path, objects, signal };
  const input = branches.map(({ to }) => `${to}\n`).join("");
  const printed = await git.run(["cat-file", "--batch-check=%(objecttype)"], { ...at, input });
  const types = printed.toString().split("\n");
  const faults = branches.flatMap(({ ref, to }, index) => {
    const type = types[index]!;
    if (type === "commit") return [];
    const what = type === "tag" ? "an annotated tag" : type === "tree" ? "a tree" : "a file";
    const id = shortId(to);
    return [`${shortRef(ref)} would be at ${id}, which is ${what}: push a commit, such as ${id}^{commit}.`];
  });
  if (faults.length > 0) throw new Problem("push_refused", faults.slice(0, 10).join("\n"));
}
