import type { Limits } from "../../../platform/limits.ts";
import type { Platform } from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";
import type { Builder } from "../../../runtimes/runtime.ts";
import type { Deploys } from "../../deploys/deploys.ts";
import type { Repositories } from "../repositories.ts";
import type { Accepted, Push } from "./push.ts";

export interface ReceiveServices {
  readonly repositories: Repositories;
  readonly deploys: Deploys;
  readonly platform: Platform;
  readonly builder: Builder;
  readonly limits: Limits;
}

/**
 * Decides about a push, and deploys what its branch has.
 * @throws Problem that says why it is refused; nothing is changed then
 */
export async function receivePush(push: Push, _services: ReceiveServices): Promise<Accepted> {
  const { repository, updates, say } = push;
  const update = updates.find(({ ref }) => ref === `refs/heads/${repository.state.branch}`);
  if (update === undefined) throw new Problem("push_refused", "Push the branch main.");
  say("Deploying");
  const saved = await repository.save({
    state: { ...repository.state, tip: update.to },
    objects: push.objects,
    refs: [update],
    byGit: true,
  });
  return { detail: `${repository.state.branch} ${update.to.slice(0, 7)}`, repository: saved };
}
