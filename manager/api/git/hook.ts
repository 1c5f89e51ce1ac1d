import type { Principal } from "../../../http/access/principal.ts";
import { readBody } from "../../../http/body/read-body.ts";
import { checkFunctionName } from "../../../platform/function-name.ts";
import { Problem } from "../../../platform/problems.ts";
import { secretText } from "../../git/mirror/reach.ts";
import { isSigned, readDelivery, senderOf } from "../../git/mirror/webhook.ts";
import type { Mirror } from "../../git/repository.ts";
import { answerJson } from "../answer.ts";
import { hostsOf } from "../deploy-function.ts";
import type { Handler, Services } from "../services.ts";

const BODY_BYTES = 1024 ** 2;

/**
 * `POST /git/NAME/hook`: a webhook of GitHub, Gitea, Forgejo or GitLab, signed with a secret of the mirror. Answers at once;
 * what is pushed there is fetched and deployed afterwards.
 */
export function receiveHook(services: Services): Handler {
  const { repositories, mirrors } = services;
  return async (ctx) => {
    const name = checkFunctionName(ctx.params.name);
    const { headers } = ctx.req;
    if (!isSigned(headers)) throw unsigned("The request has no signature");
    const advice = `run skiff git sync ${name} instead.`;
    const body = await readBody(ctx.req, { maxBytes: BODY_BYTES, tooLarge: "body_too_large", advice });
    const { home } = await repositories.tools();
    const state = (await home.find(name))?.state;
    const mirror = state?.mirror;
    const sender = senderOf(headers, body, await signingSecret(mirror, services));
    if (mirror === undefined || sender === undefined) throw unsigned("The signature is wrong");
    const { branch = state!.branch } = mirror;
    const delivery = readDelivery(headers, body, branch);
    if (delivery.kind === "ping") return answerJson(ctx, { result: "pong" });
    if (delivery.kind === "ignored") return answerJson(ctx, { result: "ignored", reason: delivery.why });
    // Only a key for all functions sets a mirror, so a push there may deploy all of them.
    const principal: Principal = { by: `webhook ${sender}`, scopes: ["deploy"] };
    mirrors.pullLater({
      ...{ name, principal, from: ctx.state.from, callId: ctx.state.callId },
      reachedAt: hostsOf(headers),
    });
    ctx.status = 202;
    answerJson(ctx, { result: "accepted", branch, commit: delivery.commit ?? null });
  };
}

/** Returns the secret of the webhook; empty without a pull mirror or its secret, so that no signature matches. */
async function signingSecret(mirror: Mirror | undefined, { platform }: Services): Promise<string> {
  if (mirror?.direction !== "pull" || mirror.webhookSecret === undefined) return "";
  try {
    return await secretText(platform, mirror.webhookSecret);
  } catch (error) {
    if (error instanceof Problem && error.code === "unknown_secret") return "";
    throw error;
  }
}

function unsigned(what: string): Problem {
  const detail = `${what}: set the mirror with a webhookSecret, and enter the value of that secret where the webhook is.`;
  return new Problem("unauthorized", detail);
}
