import type { Principal } from "../../../http/access/principal.ts";
import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import { baseUrl, dashboardUrl, type Handler, type Services } from "../services.ts";

/** `GET /whoami`: who the caller is for Skiff, what it may do, and where functions and the dashboard are. */
export function answerWhoami(services: Services): Handler {
  return (ctx) => {
    readParameters(ctx, {});
    const { by, keyId, scopes, functions } = ctx.state.principal as Principal;
    const dashboard = dashboardUrl(services, ctx);
    answerJson(ctx, {
      by,
      ...(keyId ? { keyId } : {}),
      scopes,
      ...(functions ? { functions } : {}),
      url: baseUrl(services, ctx),
      ...(dashboard ? { dashboard } : {}),
    });
  };
}
