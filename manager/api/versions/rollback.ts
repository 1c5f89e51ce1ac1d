import { checkFunctionName } from "../../../platform/function-name.ts";
import type { FunctionDescription } from "../../../platform/platform.ts";
import { checkPrecondition } from "../../../platform/precondition.ts";
import { Problem, unknownFunction } from "../../../platform/problems.ts";
import { formatMs } from "../../../platform/quantity.ts";
import { answerJson } from "../answer.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import { baseUrl, type Handler, type Services } from "../services.ts";
import { readPrecondition } from "./read-options.ts";
import { reroute } from "./reroute.ts";

/** `POST /func/NAME/rollback?to=N`: sends all calls to N, or to the version that had all calls before. */
export function rollBack(services: Services): Handler {
  const { platform, print } = services;
  const readers = { to: wholeNumber(1, Number.MAX_SAFE_INTEGER, undefined) };
  return async (ctx) => {
    const startedAtMs = performance.now();
    const { to } = readParameters(ctx, readers);
    const name = checkFunctionName(ctx.params.name);
    const expected = readPrecondition(ctx);
    const before = await platform.describe(name);
    if (before === undefined) throw unknownFunction(name);
    checkPrecondition(name, expected, before.version);
    const version = to ?? before.previous;
    if (version === undefined) throw nothingBefore(before);
    const traffic = [{ version, weight: 1 }];
    const warnings = await reroute(ctx, services, { name, traffic, rules: { expected } });
    const { version: from } = before;
    print(
      `rolled ${name} back from version ${from} to version ${version} in ${formatMs(performance.now() - startedAtMs)}`,
    );
    for (const warning of warnings) print(`${name}: ${warning}`);
    ctx.state.audited = { target: name, detail: `from version ${from} to version ${version}` };
    ctx.set("etag", `"${version}"`);
    answerJson(ctx, { name, version, from, url: `${baseUrl(services, ctx)}/fn/${name}`, warnings });
  };
}

function nothingBefore({ name, traffic, version }: FunctionDescription): Problem {
  const which = traffic.length === 0 ? "No version" : `No version but ${version}`;
  const detail = `${which} of "${name}" has had all calls: name one, as in POST /func/${name}/rollback?to=${version}.`;
  return new Problem("unknown_version", detail);
}
