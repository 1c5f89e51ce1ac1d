import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT, UnsecuredJWT } from "jose";
import { Provider } from "oidc-provider";
import request from "supertest";
import { Oidc, oidcFrom } from "../../../manager/access/oidc.ts";
import { parseScopeRules, scopesFor } from "../../../manager/access/oidc-rules.ts";
import { hashOf } from "../../../platform/keys/key-text.ts";
import { type StartedManager, startManager } from "../started-manager.ts";

const AUDIENCE = "https://skiff.example";
const SCOPES = "groups=platform:admin,groups=dev:read+deploy,*:call";
const access = {
  mode: "token",
  tokenHash: hashOf("0123456789abcdef").toString("hex"),
  whereabouts: "",
} as const;

/** An OpenID provider of its own, whose tokens are for Skiff. */
class Issuer {
  readonly url: string;
  readonly jwk: JWK;
  /** Requests that came, as paths. */
  readonly requests: string[] = [];
  groups: readonly string[] = ["dev"];
  #server: Server;

  private constructor(server: Server, jwk: JWK) {
    this.#server = server;
    this.jwk = jwk;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const provider = new Provider(this.url, {
      jwks: { keys: [jwk] },
      clients: [
        {
          client_id: "ci",
          client_secret: "secret-of-the-client",
          grant_types: ["client_credentials"],
          redirect_uris: [],
          response_types: [],
        },
      ],
      extraTokenClaims: () => ({ groups: this.groups }),
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => AUDIENCE,
          getResourceServerInfo: () => ({
            ...{ scope: "api", audience: AUDIENCE, accessTokenTTL: 600, accessTokenFormat: "jwt" as const },
            jwt: { sign: { alg: "RS256" as const } },
          }),
        },
      },
    });
    const answer = provider.callback();
    server.on("request", (incoming, response) => {
      this.requests.push(incoming.url!);
      void answer(incoming, response);
    });
  }

  static async start(): Promise<Issuer> {
    const { privateKey } = await generateKeyPair("RS256", { extractable: true });
    const jwk = { ...(await exportJWK(privateKey)), alg: "RS256", use: "sig", kid: "first" };
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Issuer(server, jwk);
  }

  /** A token as a program gets it. */
  async token(): Promise<string> {
    const basic = Buffer.from("ci:secret-of-the-client").toString("base64");
    const response = await fetch(`${this.url}/token`, {
      method: "POST",
      headers: { authorization: `Basic ${basic}`, "content-type": "application/x-www-form-urlencoded" },
      body: "grant_type=client_credentials&scope=api",
    });
    const { access_token: token } = (await response.json()) as { access_token: string };
    assert.ok(token, `no token: ${response.status}`);
    return token;
  }

  /** A token with the signature of the provider and any claims. */
  async sign(claims: Record<string, unknown>, header: { alg?: string; kid?: string } = {}): Promise<string> {
    const all = {
      iss: this.url,
      aud: AUDIENCE,
      sub: "ci",
      exp: Math.floor(Date.now() / 1_000) + 600,
      ...claims,
    };
    const key = await importJWK(this.jwk, "RS256");
    return new SignJWT(all).setProtectedHeader({ alg: "RS256", kid: "first", ...header }).sign(key);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe("manager: tokens of an OpenID provider", () => {
  let issuer: Issuer;
  let skiff: StartedManager;
  const lines: string[] = [];
  beforeEach(async () => {
    issuer = await Issuer.start();
    const rules = parseScopeRules(SCOPES);
    const print = (line: string) => void lines.push(line);
    const tokens = new Oidc({ issuer: issuer.url, audience: AUDIENCE, rules, print });
    skiff = await startManager({ access, tokens });
  });
  afterEach(async () => {
    await skiff.stop();
    await issuer.stop();
    lines.length = 0;
  });

  const whoami = async (token: string) => {
    const { status, body } = await request(skiff.url)
      .get("/whoami")
      .set({ authorization: `Bearer ${token}` });
    const { url: _, ...holder } = body;
    return status === 200 ? holder : `${status} ${body.code}`;
  };

  it("are accepted, with the scopes that their claims give", async () => {
    const token = await issuer.token();
    assert.deepEqual(await whoami(token), { by: "oidc ci", scopes: ["call", "read", "deploy"] });
    const app = request.agent(skiff.url).set({ authorization: `Bearer ${token}` });
    await app.post("/func?name=a").send("a").expect(201);
    const refused = await app.get("/key").expect(403);
    assert.match(refused.headers["www-authenticate"]!, /error="insufficient_scope", scope="admin"/);
    issuer.groups = ["platform"];
    assert.deepEqual((await whoami(await issuer.token())).scopes, ["call", "admin"]);
    issuer.groups = [];
    assert.deepEqual((await whoami(await issuer.token())).scopes, ["call"]);
  });

  it("name people by an address that the issuer has verified, and others by their subject", async () => {
    const email = "alice@example.com";
    const by = async (claims: object) =>
      (await whoami(await issuer.sign({ sub: "u1", email, ...claims }))).by;
    assert.equal(await by({ email_verified: true }), "oidc alice@example.com");
    assert.equal(await by({ email_verified: false }), "oidc u1");
    assert.equal(await by({}), "oidc u1");
    assert.equal(await by({ sub: "a\u001b[31m\nb" }), "oidc a [31m b");
  });

  it("are refused if they are forged, expired, or not for Skiff", async () => {
    await whoami(await issuer.token());
    const { privateKey } = await generateKeyPair("RS256", { extractable: true });
    const claims = { iss: issuer.url, aud: AUDIENCE, sub: "ci", exp: Math.floor(Date.now() / 1_000) + 600 };
    const forged = new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: "first" }).sign(privateKey);
    // The public key as the secret of an HMAC, which a verifier without pinned algorithms accepts.
    const { d: _, p: __, q: ___, dp: ____, dq: _____, qi: ______, ...publicKey } = issuer.jwk;
    const hmac = new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256", kid: "first" })
      .sign(Buffer.from(JSON.stringify(publicKey).padEnd(32)));
    const unsigned = `${new UnsecuredJWT(claims).encode()}`;
    const past = Math.floor(Date.now() / 1_000) - 120;
    const whole = await issuer.token();
    const [head, , signature] = whole.split(".");
    const changed = Buffer.from(JSON.stringify({ ...claims, groups: ["platform"] })).toString("base64url");
    for (const [what, token] of Object.entries({
      forged: await forged,
      hmac: await hmac,
      unsigned,
      changed: `${head}.${changed}.${signature}`,
      "another audience": await issuer.sign({ aud: "https://other.example" }),
      "no audience": await issuer.sign({ aud: undefined }),
      "another issuer": await issuer.sign({ iss: "https://evil.example" }),
      "no end": await issuer.sign({ exp: undefined }),
      "no subject": await issuer.sign({ sub: undefined }),
      "not yet": await issuer.sign({ nbf: Math.floor(Date.now() / 1_000) + 600 }),
      "unknown key": await issuer.sign({}, { kid: "second" }),
      expired: await issuer.sign({ exp: past }),
    })) {
      assert.equal(await whoami(token), "401 unauthorized", what);
    }
    assert.notEqual(typeof (await whoami(whole)), "string");
  });

  it("are checked with keys that Skiff keeps: the issuer may be away then", async () => {
    const token = await issuer.token();
    await whoami(token);
    const asked = issuer.requests.length;
    for (let n = 0; n < 5; n++) await whoami(token);
    assert.equal(issuer.requests.length, asked);
    await issuer.stop();
    assert.equal((await whoami(token)).by, "oidc ci");
  });

  it("get 503 while the keys cannot be read, and no detail of the network", async () => {
    const token = await issuer.token();
    await issuer.stop();
    const { status, body } = await request(skiff.url)
      .get("/func")
      .set({ authorization: `Bearer ${token}` });
    assert.deepEqual([status, body.code, body.setting], [503, "not_ready", "SKIFF_OIDC_ISSUER"]);
    assert.ok(!body.detail.includes("127.0.0.1"));
    await whoami(token);
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0]!, /^the keys of the issuer http:\/\/127\.0\.0\.1:\d+ cannot be read: /);
  });

  it("count as wrong if they are forged", async () => {
    const token = await issuer.sign({ iss: "https://evil.example" });
    const answers = new Set<string>();
    for (let n = 0; n < 21; n++) answers.add(await whoami(token));
    assert.deepEqual([...answers], ["401 unauthorized", "429 too_many_attempts"]);
  });
});

describe("the rules from claims to scopes", () => {
  const scopes = (rules: string, claims: object) => scopesFor(parseScopeRules(rules), { ...claims });

  it("match texts, lists, parts of `scope`, members of objects, and beginnings", () => {
    assert.deepEqual(scopes("sub=ci:read", { sub: "ci" }), ["read"]);
    assert.deepEqual(scopes("sub=ci:read", { sub: "ci2" }), []);
    assert.deepEqual(scopes("groups=a:deploy,groups=b:call", { groups: ["b", "a", 7] }), ["call", "deploy"]);
    assert.deepEqual(scopes("scope=skiff.read:read", { scope: "openid skiff.read" }), ["read"]);
    assert.deepEqual(scopes("sub=a b:read", { sub: "a b" }), ["read"]);
    const claims = { realm_access: { roles: ["ops"] }, "https://x.example/role": "ops" };
    assert.deepEqual(scopes("realm_access.roles=ops:run", claims), ["run"]);
    assert.deepEqual(scopes("https://x.example/role=ops:run", claims), ["run"]);
    const sub = "repo:octo/app:ref:refs/heads/main";
    assert.deepEqual(scopes(`sub=${sub}:deploy`, { sub }), ["deploy"]);
    assert.deepEqual(scopes("sub=repo:octo/*:deploy", { sub }), ["deploy"]);
    assert.deepEqual(scopes("sub=repo:octo/*:deploy", { sub: "repo:octopus/app" }), []);
    assert.deepEqual(scopes("*:read,*:call", {}), ["call", "read"]);
    assert.deepEqual(scopes("constructor.name=Object:admin,toString=x:admin", {}), []);
    assert.deepEqual(scopes("", { sub: "x" }), []);
  });

  for (const wrong of ["groups", "groups=a", "groups=a:all", "a:read", "=a:read", "groups=a:read+", "*"]) {
    it(`cannot be ${wrong}`, () =>
      assert.throws(() => parseScopeRules(wrong), /SKIFF_OIDC_SCOPES: ".*" cannot be read/));
  }
});

describe("the variables of an OpenID provider", () => {
  const from = (env: Record<string, string>) => oidcFrom(env, () => {});
  const SKIFF_OIDC_ISSUER = "https://id.example";

  it("are all absent, or have an issuer and an audience", () => {
    assert.equal(from({}), undefined);
    assert.equal(from({ SKIFF_OIDC_ISSUER: "" }), undefined);
    assert.ok(from({ SKIFF_OIDC_ISSUER, SKIFF_OIDC_AUDIENCE: "skiff" }));
    assert.throws(() => from({ SKIFF_OIDC_ISSUER }), /SKIFF_OIDC_AUDIENCE is missing/);
    assert.throws(() => from({ SKIFF_OIDC_AUDIENCE: "skiff" }), /need SKIFF_OIDC_ISSUER/);
    for (const issuer of ["http://id.example", "id.example", "ftp://localhost"])
      assert.throws(
        () => from({ SKIFF_OIDC_ISSUER: issuer, SKIFF_OIDC_AUDIENCE: "s" }),
        /use a URL with https/,
      );
  });
});
