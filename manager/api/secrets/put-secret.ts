import { readBody } from "../../../http/body/read-body.ts";
import { LIMITS } from "../../../platform/limits.ts";
import { Problem } from "../../../platform/problems.ts";
import { formatBytes } from "../../../platform/quantity.ts";
import { checkSecretName } from "../../../platform/secrets.ts";
import { refreshUsers } from "../../deploys/secret-users.ts";
import { answerJson, onOneLine } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import type { Call, Handler, Services } from "../services.ts";
import { versionCondition } from "./version-condition.ts";

/** `PUT /secret/NAME`: the body is the value. Answers when the functions in use run with it. */
export function putSecret(services: Services): Handler {
  const { platform, deploys, print } = services;
  return async (ctx) => {
    const secret = ctx.params.name!;
    checkSecretName(secret);
    readParameters(ctx, {});
    const ifVersion = versionCondition(ctx);
    const value = await readValue(ctx, services);
    const { version, created, unchanged } = await platform.secrets.put(secret, { value, ifVersion });
    print(
      unchanged ? `unchanged secret ${secret}: version ${version} has this value` : putLine(secret, version),
    );
    const { functions, failed } = await refreshUsers(platform, deploys, { secret, by: String(ctx.state.by) });
    for (const each of functions)
      print(`deployed ${each.name} version ${each.version}: secret ${secret} changed`);
    for (const { name, detail } of failed) {
      print(onOneLine(`not deployed: ${name} goes on with the secret ${secret} as it was: ${detail}`));
    }
    ctx.status = created ? 201 : 200;
    ctx.set("etag", `"${version}"`);
    if (created) ctx.set("location", `/secret/${secret}`);
    answerJson(ctx, { name: secret, version, created, unchanged, functions, failed });
  };
}

function putLine(secret: string, version: number): string {
  return `stored secret ${secret} version ${version}`;
}

/** No error of it has a part of the value. */
async function readValue(ctx: Call, { limits }: Services): Promise<string> {
  const maxBytes = limits.secretBytes;
  const [setting] = LIMITS.secretBytes;
  const advice = `store a smaller value, or raise ${setting} (${formatBytes(maxBytes)} now).`;
  const body = await readBody(ctx.req, { maxBytes, tooLarge: "body_too_large", advice });
  if (body.length === 0) {
    throw new Problem("invalid_request", "The body is empty: send the value of the secret as the body.");
  }
  let value: string;
  try {
    value = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new Problem("invalid_request", "The value is not UTF-8: encode it, for instance in base64.");
  }
  if (!value.includes("\0")) return value;
  throw new Problem(
    "invalid_request",
    "The value has a NUL character, which no variable can have: encode it.",
  );
}
