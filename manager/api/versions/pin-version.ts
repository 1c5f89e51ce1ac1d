import { includesScope } from "../../../platform/keys/scopes.ts";
import { checkPrecondition } from "../../../platform/precondition.ts";
import { Problem } from "../../../platform/problems.ts";
import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { readObject } from "./read-object.ts";
import { readPrecondition } from "./read-options.ts";
import { commitsOf, readVersion, versionDocument } from "./read-versions.ts";

/**
 * `PATCH /func/NAME/versions/N` with `{"pinned": true}`: keeps the version although newer ones are over the limit. The
 * answer has the settings for callers with the scope `read`.
 */
export function pinVersion(services: Services): Handler {
  const { platform, print } = services;
  return async (ctx) => {
    readParameters(ctx, {});
    const expected = readPrecondition(ctx);
    const { name, version } = await readVersion(ctx, platform);
    checkPrecondition(name, expected, (await platform.find(name))?.version);
    const { pinned } = await readObject(ctx, ["pinned"]);
    if (typeof pinned !== "boolean") {
      throw new Problem("invalid_request", 'The body must be {"pinned": true} or {"pinned": false}.');
    }
    await platform.pin(name, version, pinned);
    print(`${pinned ? "pinned" : "unpinned"} ${name} version ${version}`);
    const record = await readVersion(ctx, platform);
    const commits = await commitsOf(name, services);
    const { settings, ...shown } = versionDocument({ record, commits }, services, ctx);
    const mayRead = includesScope(ctx.state.principal.scopes, "read");
    answerJson(ctx, mayRead ? { ...shown, settings } : shown);
  };
}
