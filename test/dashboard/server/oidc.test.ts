import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Configuration, Provider } from "oidc-provider";
import { oidcSettings } from "../../../dashboard/server/session/oidc-settings.ts";
import { eventually } from "../../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";

const AUDIENCE = "https://functions.example.com";
const CLIENT = "skiff-dashboard";

/** Follows redirects with the cookies of the issuer, as a browser does, until the dashboard is next. */
class Browser {
  readonly #cookies = new Map<string, string>();

  async visit(start: string, until: string): Promise<URL> {
    let url = new URL(start);
    let body: URLSearchParams | null = null;
    for (let step = 0; step < 12; step++) {
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const method = body === null ? "GET" : "POST";
      const response: Response = await fetch(url, { method, headers: { cookie }, redirect: "manual", body });
      for (const each of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(each)!;
        this.#cookies.set(name!, value!);
      }
      const next: string | null = response.headers.get("location");
      const page: string = await response.text();
      if (next !== null) {
        [url, body] = [new URL(next, url), null];
        if (url.href.startsWith(until)) return url;
        continue;
      }
      // The pages of the issuer for development: a form to log in, and one to consent.
      const action: string | undefined = /action="([^"]+)"/.exec(page)?.[1];
      const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
      assert.ok(action && prompt, `${response.status} ${page.slice(0, 500)}`);
      [url, body] = [new URL(action, url), new URLSearchParams({ prompt, login: "ada", password: "x" })];
    }
    throw new Error("the issuer does not come back");
  }
}

describe("the sign-in with an OpenID Connect issuer", function () {
  this.timeout(60_000);
  let issuerServer: Server;
  let issuer: string;
  let skiff: StartedSkiff;
  let base: string;

  before(async () => {
    issuerServer = createServer().listen(0, "127.0.0.1");
    await once(issuerServer, "listening");
    issuer = `http://127.0.0.1:${(issuerServer.address() as AddressInfo).port}`;
    const env = {
      SKIFF_OIDC_ISSUER: issuer,
      SKIFF_OIDC_AUDIENCE: AUDIENCE,
      SKIFF_OIDC_SCOPES: "sub=ada:read",
      SKIFF_OIDC_CLIENT: CLIENT,
    };
    skiff = await startedSkiff({ dashboardPort: 0, env });
    base = new URL(skiff.dashboardUrl!).origin;
    const provider = new Provider(issuer, issuerConfiguration(base));
    issuerServer.on("request", provider.callback());
  });
  after(async () => {
    await skiff.close();
    issuerServer.closeAllConnections();
    issuerServer.close();
  });

  const post = async (path: string, body: object) => {
    const headers = { origin: base, "sec-fetch-site": "same-origin", "content-type": "application/json" };
    const response = await fetch(`${base}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    return { status: response.status, body: (await response.json()) as Record<string, string> };
  };

  it("comes back with a token that the API accepts, for the same browser alone", async () => {
    const config = (await (await fetch(`${base}/session/config`)).json()) as { oidc: { issuer: string } };
    assert.equal(config.oidc.issuer, issuer);
    const { body: begun } = await post("/session/oidc", {});
    const asked = new URL(begun.url!).searchParams;
    assert.equal(asked.get("redirect_uri"), `${base}/signed-in`);
    assert.equal(asked.get("code_challenge_method"), "S256");
    assert.ok(!begun.url!.includes(begun.verifier!));
    const back = await new Browser().visit(begun.url!, `${base}/signed-in`);
    // The page is there for a browser that comes from elsewhere.
    const visit = {
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
    };
    const [page] = await once(
      request(back, { headers: { ...visit, accept: "text/html" } }).end(),
      "response",
    );
    assert.equal((page as IncomingMessage).resume().statusCode, 200);

    const { search } = back;
    const { body: other } = await post("/session/oidc", {});
    const wrong = [
      { ...begun, search, state: other.state },
      { ...begun, search: search.replace(/code=[^&]+/, "code=other") },
      { ...begun, search: `?error=access_denied&error_description=No+thanks&state=${begun.state}` },
    ];
    for (const members of wrong) {
      const { status, body } = await post("/session/oidc/finish", members);
      assert.deepEqual([status, body.code], [401, "unauthorized"], JSON.stringify(body));
    }
    assert.equal((await post("/session/oidc/finish", {})).status, 400);

    const { status, body: session } = await post("/session/oidc/finish", { ...begun, search });
    assert.equal(status, 200, JSON.stringify(session));
    assert.ok(Date.parse(session.expiresAt!) > Date.now());
    const api = (path: string, init: RequestInit = {}) =>
      fetch(`${base}/api${path}`, { ...init, headers: { authorization: `Bearer ${session.token}` } });
    // On a busy machine the API may not get the keys of the issuer in time.
    await eventually("the token is known", async () => (await api("/whoami")).status !== 503, 30_000);
    const who = (await (await api("/whoami")).json()) as Record<string, unknown>;
    assert.deepEqual([who.by, who.scopes], ["oidc ada", ["read"]], JSON.stringify(who));
    assert.equal((await api("/func?name=x", { method: "POST", body: "x" })).status, 403);
    // The issuer takes a refresh token once.
    const { status: renewed, body: newer } = await post("/session/oidc/refresh", {
      refresh: session.refresh,
    });
    assert.equal(renewed, 200, JSON.stringify(newer));
    assert.notEqual(newer.token, session.token);
    const again = await fetch(`${base}/api/whoami`, { headers: { authorization: `Bearer ${newer.token}` } });
    assert.equal(((await again.json()) as { by: string }).by, "oidc ada");
    for (const [refresh, expected] of [
      [session.refresh, 401],
      [undefined, 400],
    ] as const)
      assert.equal((await post("/session/oidc/refresh", { refresh })).status, expected);
    // A code works once.
    assert.equal((await post("/session/oidc/finish", { ...begun, search })).status, 401);
  });

  it("needs another verifier than somebody who saw the way back has", async () => {
    const { body: begun } = await post("/session/oidc", {});
    const { search } = await new Browser().visit(begun.url!, `${base}/signed-in`);
    const { status } = await post("/session/oidc/finish", { ...begun, search, verifier: "v".repeat(43) });
    assert.equal(status, 401);
  });

  it("is off without a client, and needs an issuer and an audience", () => {
    assert.equal(oidcSettings({ SKIFF_OIDC_ISSUER: "https://id.example.com" }), undefined);
    assert.throws(
      () => oidcSettings({ SKIFF_OIDC_CLIENT: "x" }),
      /SKIFF_OIDC_CLIENT needs SKIFF_OIDC_ISSUER/,
    );
  });
});

/** An issuer whose access tokens are signed for the API, and whose people are whoever they say. */
function issuerConfiguration(base: string): Configuration {
  return {
    clients: [
      {
        client_id: CLIENT,
        redirect_uris: [`${base}/signed-in`],
        token_endpoint_auth_method: "none",
        application_type: "native",
        grant_types: ["authorization_code", "refresh_token"],
      },
    ],
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    features: {
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: "openid profile email",
          audience: AUDIENCE,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  };
}
