import { clientSignal } from "../../../http/client-signal.ts";
import { Problem } from "../../../platform/problems.ts";
import type { CommitId } from "../../git/repository.ts";
import { hostsOf } from "../deploy-function.ts";
import { objectKinds } from "../files/object-kinds.ts";
import type { Call, Services } from "../services.ts";
import { keptVersions } from "./read-versions.ts";

const COMMIT = /^[0-9a-f]{7,40}$/i;

/** What a rollback goes to: a kept version, or the version that was made of a commit whose own is not kept. */
export interface RollbackTarget {
  readonly version: number;
  /** Of a version that was made. */
  readonly commit?: CommitId;
}

/** @throws Problem `invalid_request` for what is neither a version nor the beginning of a commit */
export function versionOrCommit(text: string | undefined): string | undefined {
  if (text === undefined || /^[1-9]\d{0,14}$/.test(text) || COMMIT.test(text)) return text;
  const detail = `to=${text.slice(0, 40)} must be the number of a version, or 7 to 40 hexadecimal digits of a commit.`;
  throw new Problem("invalid_request", detail);
}

/**
 * Finds the version that `text` names: a number, or the id of a commit. A commit whose version is not kept is deployed.
 * @throws Problem `unknown_function`, `unknown_commit`; those of git and of a deploy
 */
export async function rollbackTarget(
  ctx: Call,
  services: Services,
  { name, text }: { readonly name: string; readonly text: string },
): Promise<RollbackTarget> {
  const kept = await keptVersions(services.platform, name);
  const named = kept.find(({ version }) => String(version) === text);
  if (named !== undefined || !COMMIT.test(text)) return { version: named?.version ?? Number(text) };
  const { repositories } = services;
  const { principal } = ctx.state;
  const owner = (await repositories.keptOf(name))?.name ?? name;
  const signal = clientSignal(ctx.res);
  return await repositories.change(owner, signal, async ({ git, home, repository }) => {
    const { findCommit } = await import("../../git/history/find-commit.ts");
    const { commit, version } = await findCommit(git, { repository, name, text, kept, signal });
    if (version !== undefined) return { version };
    const { deployAgain } = await import("../../git/history/deploy-again.ts");
    const order = { repository, name, commit, principal, signal, reachedAt: hostsOf(ctx.req.headers) };
    const all = { ...services, git, home, kinds: objectKinds(services) };
    const deployed = await deployAgain(order, all);
    const made = deployed.functions.find((each) => each.name === name);
    return { version: made!.version, commit: deployed.repository.state.tip! };
  });
}
