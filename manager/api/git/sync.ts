import { checkFunctionName } from "../../../platform/function-name.ts";
import { answerJson } from "../answer.ts";
import { hostsOf } from "../deploy-function.ts";
import { readParameters } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { requireRepository, signalOf } from "./repository-access.ts";

/** `POST /git/NAME/sync`: fetches and deploys, or pushes, and answers when that is done. */
export function syncMirror(services: Services): Handler {
  const { mirrors, print } = services;
  return async (ctx) => {
    readParameters(ctx, {});
    const name = checkFunctionName(ctx.params.name);
    ctx.state.audited = { target: `git/${name}` };
    const { principal } = ctx.state;
    await requireRepository(principal, name, services);
    const outcome = await mirrors.sync({
      ...{ name, principal, signal: signalOf(ctx, services) },
      reachedAt: hostsOf(ctx.req.headers),
    });
    print(`mirrored ${name}: ${outcome.detail}`);
    ctx.state.audited = { target: `git/${name}`, detail: outcome.detail };
    answerJson(ctx, outcome);
  };
}
