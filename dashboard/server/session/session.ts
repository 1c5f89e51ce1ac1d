import { clientAddress } from "../../../http/client-address.ts";
import { FailedAttempts, tooManyAttempts } from "../../../http/failed-attempts.ts";
import { Problem } from "../../../platform/problems.ts";
import { answerJson, readMembers } from "../json.ts";
import type { DashboardOptions } from "../options.ts";
import { pathOf, type Route, requireMethod } from "../route.ts";
import { OidcSignIn } from "./oidc.ts";

/** Answers what the page asks before it has a credential. */
export function answerSession(options: DashboardOptions): Route {
  const { limits, login, oidc, proxies, version } = options;
  const issuer = oidc && new OidcSignIn(oidc, options);
  const attempts = new FailedAttempts(limits);
  return async (request, response) => {
    const path = pathOf(request.url!);
    if (path === "/session/config") {
      requireMethod(request, response, ["GET", "HEAD"]);
      return answerJson(response, {
        version,
        oidc: oidc ? { issuer: oidc.issuer } : null,
        hasLogin: login?.token.isOpen ?? false,
      });
    }
    if (path === "/session") {
      requireMethod(request, response, ["POST"]);
      const { login: text } = await readMembers(request);
      const address = clientAddress(request, proxies);
      const blockedMs = attempts.blockedMs(address, performance.now());
      if (blockedMs > 0) throw tooManyAttempts(limits, blockedMs);
      if (login === undefined || typeof text !== "string" || !login.token.take(text)) {
        attempts.fail(address, performance.now());
        throw wrongLogin();
      }
      return answerJson(response, { ...(await login.createKey()) });
    }
    if (issuer !== undefined && path.startsWith("/session/oidc")) {
      requireMethod(request, response, ["POST"]);
      const members = await readMembers(request);
      if (path === "/session/oidc") return answerJson(response, { ...(await issuer.begin(request)) });
      if (path === "/session/oidc/finish") {
        return answerJson(response, { ...(await issuer.finish(request, members)) });
      }
      if (path === "/session/oidc/refresh") {
        return answerJson(response, { ...(await issuer.refresh(members)) });
      }
      if (path === "/session/oidc/revoke") {
        return answerJson(response, { ...(await issuer.revoke(members)) });
      }
    }
    throw new Problem("unknown_route", `Nothing is served at ${request.method} ${path.slice(0, 80)}.`);
  };
}

function wrongLogin(): Problem {
  const detail =
    "The login in this link is wrong or was used: start Skiff again for a new one, run `skiff dashboard`, or sign in with a key.";
  return new Problem("unauthorized", detail);
}
