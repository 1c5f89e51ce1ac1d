import { checkFunctionName } from "../../../platform/function-name.ts";
import { Problem } from "../../../platform/problems.ts";
import { checkSecretName, unknownSecret } from "../../../platform/secrets.ts";
import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import { mirrorOf } from "../../git/mirror/mirror-state.ts";
import { readMirrorUrl } from "../../git/mirror/mirror-url.ts";
import { refuseUnreachable, secretText } from "../../git/mirror/reach.ts";
import { SIGNING_CHARACTERS } from "../../git/mirror/webhook.ts";
import { emptyState, type Mirror } from "../../git/repository.ts";
import { answerJson } from "../answer.ts";
import { readJson } from "../read-json.ts";
import { readParameters } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { isBranchName } from "./branch-name.ts";
import { rethrowUnlessFree, signalOf } from "./repository-access.ts";
import { mirrorDocument } from "./repository-document.ts";

const BODY_BYTES = 16 * 1024;
const MEMBERS = ["url", "direction", "branch", "secret", "webhookSecret", "force"];

/** `PUT /git/NAME/mirror`: follows another repository, or lets it follow. Fetches and pushes nothing yet. */
export function putMirror(services: Services): Handler {
  const { print } = services;
  return async (ctx) => {
    readParameters(ctx, {});
    const name = checkFunctionName(ctx.params.name);
    const mirror = readMirror(await readJson(ctx.req, { maxBytes: BODY_BYTES }));
    await checkSecrets(mirror, services);
    await refuseUnreachable(mirror, services.mirrors.allowedHosts);
    await keepMirror(name, mirror, { services, signal: signalOf(ctx, services) });
    const shown = mirror.direction === "pull" ? `from ${mirror.url}` : `to ${mirror.url}`;
    print(`the repository ${name} is mirrored ${shown}`);
    ctx.state.audited = { target: `git/${name}`, detail: shown };
    answerJson(ctx, mirrorDocument(name, mirror, { services, ctx }));
  };
}

/** `DELETE /git/NAME/mirror`: what was mirrored stays on both sides. */
export function removeMirror(services: Services): Handler {
  const { repositories, print } = services;
  return async (ctx) => {
    readParameters(ctx, {});
    const name = checkFunctionName(ctx.params.name);
    await repositories.change(name, signalOf(ctx, services), async ({ repository }) => {
      mirrorOf(name, repository.state);
      const { mirror: _, ...state } = repository.state;
      await repository.save({ state });
    });
    print(`the repository ${name} is no longer mirrored`);
    ctx.state.audited = { target: `git/${name}`, detail: "off" };
    answerJson(ctx, { success: true });
  };
}

interface Keeping {
  readonly services: Services;
  readonly signal: AbortSignal;
}

async function keepMirror(name: string, mirror: Mirror, { services, signal }: Keeping): Promise<void> {
  const { repositories } = services;
  try {
    await repositories.change(name, signal, ({ repository }) =>
      repository.save({ state: { ...repository.state, mirror } }),
    );
  } catch (error) {
    if (mirror.direction === "push") throw error;
    await rethrowUnlessFree(error, name, services);
    const { home } = await repositories.tools();
    await repositories.inTurn(name, signal, async () => {
      const created = await home.create(name, emptyState());
      try {
        await created.save({ state: { ...created.state, mirror } });
      } finally {
        await created.release();
      }
    });
  }
}

/** @throws Problem `invalid_request`, `invalid_name` */
function readMirror(body: unknown): Mirror {
  const given = isRecord(body) ? body : {};
  const unknown = Object.keys(given).find((member) => !MEMBERS.includes(member));
  if (unknown !== undefined) throw wrong(`"${unknown.slice(0, 40)}" is unknown: use ${MEMBERS.join(", ")}`);
  const { url, direction, branch, secret, webhookSecret, force } = given;
  if (typeof url !== "string")
    throw wrong("url: give the address of the other repository, as https://HOST/PATH");
  if (direction !== "pull" && direction !== "push") {
    throw wrong(
      "direction: use pull to deploy what is pushed there, or push to send there what is deployed here",
    );
  }
  if (branch !== undefined && (typeof branch !== "string" || !isBranchName(branch)))
    throw wrong(`branch: ${JSON.stringify(branch).slice(0, 80)} is not the name of a branch`);
  for (const each of [secret, webhookSecret]) {
    if (each !== undefined && typeof each !== "string") throw wrong("secret: give the name of a secret");
    if (each !== undefined) checkSecretName(each);
  }
  if (webhookSecret !== undefined && direction === "push")
    throw wrong("webhookSecret: a webhook makes Skiff pull, so it needs the direction pull");
  if (force !== undefined && typeof force !== "boolean") throw wrong("force: use true or false");
  if (force && direction === "push")
    throw wrong("force: a push is never forced, so it needs the direction pull");
  return {
    ...{ url: readMirrorUrl(url), direction },
    ...(branch === undefined ? {} : { branch }),
    ...(typeof secret === "string" ? { secret } : {}),
    ...(typeof webhookSecret === "string" ? { webhookSecret } : {}),
    ...(force ? { force } : {}),
  };
}

/** @throws Problem `unknown_secret`, `invalid_request` */
async function checkSecrets({ secret, webhookSecret }: Mirror, { platform }: Services): Promise<void> {
  if (secret !== undefined && (await platform.secrets.describe(secret)) === undefined)
    throw unknownSecret(secret);
  if (webhookSecret === undefined) return;
  const { length } = await secretText(platform, webhookSecret);
  if (length >= SIGNING_CHARACTERS) return;
  const advice = `at least ${SIGNING_CHARACTERS}, such as those of openssl rand -hex 20`;
  throw wrong(
    `webhookSecret: the secret "${webhookSecret}" has ${length} characters: store one of ${advice}`,
  );
}

function wrong(why: string): Problem {
  return new Problem("invalid_request", `${why}.`);
}
