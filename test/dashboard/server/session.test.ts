import assert from "node:assert/strict";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { KEY, type StartedDashboard, startedDashboard } from "./started-dashboard.ts";

describe("the sign-in with the login of the start", () => {
  let dashboard: StartedDashboard;
  beforeEach(async () => {
    const limits = limitsFromEnv({ SKIFF_MAX_ATTEMPTS: "3" });
    dashboard = await startedDashboard((_, response) => response.end("{}"), { limits });
  });
  afterEach(() => dashboard.close());

  const signIn = async (body: string, contentType = "application/json") => {
    const headers = { "content-type": contentType };
    const response = await fetch(`${dashboard.url}/session`, { method: "POST", headers, body });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const config = async () => (await (await fetch(`${dashboard.url}/session/config`)).json()) as object;

  it("works once", async () => {
    assert.deepEqual(await config(), { version: "1.2.3", oidc: null, hasLogin: true });
    const login = JSON.stringify({ login: dashboard.login });
    const [first, second] = await Promise.all([signIn(login), signIn(login)]);
    assert.deepEqual([first.status, second.status].sort(), [200, 401]);
    const { body } = [first, second].find(({ status }) => status === 200)!;
    assert.deepEqual(body, { key: KEY, expiresAt: "2030-01-01T00:00:00.000Z" });
    const third = await signIn(login);
    assert.equal(third.status, 401);
    assert.match(String(third.body.detail), /skiff dashboard/);
    assert.deepEqual(await config(), { version: "1.2.3", oidc: null, hasLogin: false });
  });

  it("refuses an address that guesses, also with the right one", async () => {
    for (const login of ["", "wrong", `${dashboard.login}x`])
      assert.equal((await signIn(JSON.stringify({ login }))).status, 401);
    const { status, body } = await signIn(JSON.stringify({ login: dashboard.login }));
    assert.deepEqual([status, body.code], [429, "too_many_attempts"]);
  });

  it("answers bodies of another form, and those that are too long", async () => {
    for (const body of ["", "[]", "null", "login=x", "{"])
      assert.equal((await signIn(body)).status, 400, body);
    assert.equal((await signIn(JSON.stringify({ login: 7 }))).status, 401);
    assert.equal((await signIn(JSON.stringify({ login: "x".repeat(20_000) }))).status, 413);
    assert.equal((await fetch(`${dashboard.url}/session`)).status, 405);
    assert.equal((await fetch(`${dashboard.url}/session/other`)).status, 404);
  });
});
