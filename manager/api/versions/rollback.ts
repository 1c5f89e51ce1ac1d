import { checkFunctionName } from "../../../platform/function-name.ts";
import type { FunctionDescription } from "../../../platform/platform.ts";
import { checkPrecondition } from "../../../platform/precondition.ts";
import { Problem, toProblem, unknownFunction } from "../../../platform/problems.ts";
import { formatMs } from "../../../platform/quantity.ts";
import type { CommitId } from "../../git/repository.ts";
import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import { baseUrl, type Call, type Handler, type Services } from "../services.ts";
import { readPrecondition } from "./read-options.ts";
import { reroute } from "./reroute.ts";
import { type RollbackTarget, rollbackTarget, versionOrCommit } from "./rollback-target.ts";

/**
 * `POST /func/NAME/rollback?to=`: sends all calls to a version, or to that of a commit; by default to the version that had
 * all calls before. The branch of its repository gets a commit before the answer.
 */
export function rollBack(services: Services): Handler {
  const { platform, print } = services;
  const readers = { to: versionOrCommit };
  return async (ctx) => {
    const startedAtMs = performance.now();
    const { to } = readParameters(ctx, readers);
    const name = checkFunctionName(ctx.params.name);
    const expected = readPrecondition(ctx);
    const before = await platform.describe(name);
    if (before === undefined) throw unknownFunction(name);
    checkPrecondition(name, expected, before.version);
    const target =
      to === undefined ? previous(before) : await rollbackTarget(ctx, services, { name, text: to });
    const { version } = target;
    const traffic = [{ version, weight: 1 }];
    const warnings =
      "commit" in target ? [] : await reroute(ctx, services, { name, traffic, rules: { expected } });
    const commit = "commit" in target ? target.commit : await record(ctx, services, name);
    const { version: from } = before;
    print(
      `rolled ${name} back from version ${from} to version ${version} in ${formatMs(performance.now() - startedAtMs)}`,
    );
    for (const warning of warnings) print(`${name}: ${warning}`);
    ctx.state.audited = { target: name, detail: `from version ${from} to version ${version}` };
    ctx.set("etag", `"${version}"`);
    answerJson(ctx, { name, version, from, commit, url: `${baseUrl(services, ctx)}/fn/${name}`, warnings });
  };
}

function previous(before: FunctionDescription): RollbackTarget {
  if (before.previous === undefined) throw nothingBefore(before);
  return { version: before.previous };
}

/** A rollback waits for no push, and does not fail because of git: the repository follows later then. */
async function record(
  ctx: Call,
  { repositories, print }: Services,
  name: string,
): Promise<CommitId | undefined> {
  try {
    return await repositories.recordNow(name, ctx.state.by);
  } catch (error) {
    print(`git: the repository of ${name} is behind its versions: ${toProblem(error).detail}`);
    return undefined;
  }
}

function nothingBefore({ name, traffic, version }: FunctionDescription): Problem {
  const which = traffic.length === 0 ? "No version" : `No version but ${version}`;
  const detail = `${which} of "${name}" has had all calls: name one, as in POST /func/${name}/rollback?to=${version}.`;
  return new Problem("unknown_version", detail);
}
