import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type StartedDashboard, startedDashboard } from "./started-dashboard.ts";

const AUDIENCE = "https://functions.example.com";
const encoded = (json: object) => Buffer.from(JSON.stringify(json)).toString("base64url");
const FOR_API = `${encoded({ alg: "RS256" })}.${encoded({ aud: AUDIENCE })}.c2lnbmVk`;

describe("the refresh token of a sign-in", () => {
  let server: Server;
  let dashboard: StartedDashboard;
  let accessToken = "opaque";
  let hasRevocation = true;
  let revocationStatus = 200;
  const revoked: URLSearchParams[] = [];

  before(async () => {
    server = createServer(async (request, response) => {
      response.setHeader("content-type", "application/json");
      let text = "";
      for await (const chunk of request) text += String(chunk);
      if (request.url === "/revoke") {
        revoked.push(new URLSearchParams(text));
        response.statusCode = revocationStatus;
        response.end();
      } else if (request.url === "/token") {
        // Without an ID token, which OpenID Connect Core 12.2 allows.
        response.end(JSON.stringify({ access_token: accessToken, token_type: "bearer", expires_in: 300 }));
      } else {
        const revocation = hasRevocation ? { revocation_endpoint: `${issuer()}/revoke` } : {};
        response.end(
          JSON.stringify({ issuer: issuer(), token_endpoint: `${issuer()}/token`, ...revocation }),
        );
      }
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  beforeEach(async () => {
    const oidc = { issuer: issuer(), clientId: "dashboard", audience: AUDIENCE, scope: "openid" };
    dashboard = await startedDashboard((_, response) => void response.end(), { oidc });
  });
  afterEach(() => dashboard.close());
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  const issuer = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const post = async (path: string, members: object = { refresh: "r1" }) => {
    const headers = { "sec-fetch-site": "same-origin", "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(members) };
    const response = await fetch(`${dashboard.url}/session/oidc/${path}`, init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };

  it("brings a token for the API, or ends the session", async () => {
    const { status, body } = await post("refresh");
    assert.deepEqual([status, body.code], [401, "unauthorized"], JSON.stringify(body));
    assert.match(String(body.detail), /sign in again/);
    accessToken = FOR_API;
    assert.deepEqual((await post("refresh")).body, { token: FOR_API });
  });

  it("is revoked at the issuer", async () => {
    assert.deepEqual((await post("revoke")).body, { revoked: true });
    const [sent] = revoked;
    assert.deepEqual([sent?.get("token"), sent?.get("token_type_hint")], ["r1", "refresh_token"]);
    assert.equal((await post("revoke", {})).status, 400);
  });

  it("leaves a line in the log if the issuer does not revoke it", async () => {
    revocationStatus = 500;
    const { status, body } = await post("revoke");
    assert.deepEqual([status, body.code], [503, "not_ready"]);
    assert.equal(dashboard.lines.filter((line) => line.includes("did not revoke a refresh token")).length, 1);
  });

  it("stays valid at an issuer that revokes none", async () => {
    hasRevocation = false;
    assert.deepEqual((await post("revoke")).body, { revoked: false });
  });
});
