import { Problem } from "../../../platform/problems.ts";
import { checkSecretName, unknownSecret } from "../../../platform/secrets.ts";
import { isSecretName } from "../../../platform/settings/environment.ts";
import { functionsInUse } from "../../deploys/secret-users.ts";
import { answerJson } from "../answer.ts";
import { cursorFromName, nameFromCursor } from "../cursor.ts";
import { flag, readParameters, wholeNumber } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { versionCondition } from "./version-condition.ts";

/** Functions that an error names. */
const NAMED = 5;

/** `GET /secret`: a page of secrets in order of name, without values. */
export function listSecrets({ platform, limits }: Services): Handler {
  const readers = {
    limit: wholeNumber(1, limits.pageSize, limits.pageSize),
    cursor: nameFromCursor(isSecretName),
  };
  return async (ctx) => {
    const { limit, cursor: after } = readParameters(ctx, readers);
    const found = await platform.secrets.list({ after, limit: limit + 1 });
    const page = found.slice(0, limit);
    const secrets = page.map(({ name, version, createdAt, updatedAt }) => ({
      name,
      version,
      createdAt,
      updatedAt,
    }));
    const next = found.length > limit ? cursorFromName(page.at(-1)!.name) : null;
    answerJson(ctx, { secrets, next });
  };
}

/** `GET /secret/NAME`: versions, times, and the functions that use it. */
export function describeSecret({ platform }: Services): Handler {
  return async (ctx) => {
    const name = ctx.params.name!;
    checkSecretName(name);
    readParameters(ctx, {});
    const described = await platform.secrets.describe(name);
    if (described === undefined) throw unknownSecret(name);
    const { version, createdAt, updatedAt, users } = described;
    const versions = described.versions.map((each) => ({ version: each.version, createdAt: each.createdAt }));
    const functions = users.map((user) => ({
      ...{ name: user.name, version: user.version, secretVersion: user.secretVersion },
    }));
    ctx.set("etag", `"${version}"`);
    answerJson(ctx, { name, version, createdAt, updatedAt, versions, functions });
  };
}

/** `DELETE /secret/NAME`: with `force` also a secret that functions in use ask for. */
export function removeSecret({ platform, print }: Services): Handler {
  return async (ctx) => {
    const name = ctx.params.name!;
    checkSecretName(name);
    const { force } = readParameters(ctx, { force: flag });
    const ifVersion = versionCondition(ctx);
    const described = await platform.secrets.describe(name);
    if (described === undefined) throw unknownSecret(name);
    const users = force ? [] : await functionsInUse(platform, described);
    if (users.length > 0) throw inUse(name, users);
    if (!(await platform.secrets.remove(name, { ifVersion }))) throw unknownSecret(name);
    print(`deleted secret ${name}`);
    answerJson(ctx, { success: true });
  };
}

function inUse(name: string, users: readonly string[]): Problem {
  const more = users.length > NAMED ? ` and ${users.length - NAMED} more` : "";
  const detail = `The secret "${name}" is in use by ${users.slice(0, NAMED).join(", ")}${more}: remove it from their settings, or delete it with ?force=true. Instances could not start without it.`;
  return new Problem("secret_in_use", detail);
}
