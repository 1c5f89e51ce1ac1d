import type { Principal } from "../../../http/access/principal.ts";
import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import type { Handler } from "../services.ts";

/** `GET /whoami`: who the caller is for Skiff, and what it may do. */
export const answerWhoami: Handler = (ctx) => {
  readParameters(ctx, {});
  const { by, keyId, scopes, functions } = ctx.state.principal as Principal;
  answerJson(ctx, { by, ...(keyId ? { keyId } : {}), scopes, ...(functions ? { functions } : {}) });
};
