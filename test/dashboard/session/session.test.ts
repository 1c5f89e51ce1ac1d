import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { seatOf } from "../../../dashboard/web/session/seat.ts";
import type { Holder } from "../../../dashboard/web/session/session.ts";
import { type BrowserTab, openBrowserTab } from "./browser-tab.ts";

const HOLDER: Holder = { by: "oidc ada", scopes: ["read", "deploy"], url: "http://localhost" };

describe("the session of the dashboard", () => {
  let tab: BrowserTab;
  let client: typeof import("../../../dashboard/web/api/client.ts");
  let kept: typeof import("../../../dashboard/web/session/credential.ts");
  let issuer: typeof import("../../../dashboard/web/session/oidc.ts");
  let renewal: typeof import("../../../dashboard/web/session/renew.ts");
  let session: typeof import("../../../dashboard/web/session/session.ts");
  before(async () => {
    tab = openBrowserTab();
    client = await import("../../../dashboard/web/api/client.ts");
    kept = await import("../../../dashboard/web/session/credential.ts");
    issuer = await import("../../../dashboard/web/session/oidc.ts");
    renewal = await import("../../../dashboard/web/session/renew.ts");
    session = await import("../../../dashboard/web/session/session.ts");
  });
  after(() => tab.close());
  beforeEach(() => {
    localStorage.clear();
    tab.requests.length = 0;
    kept.signIn("old", "refresh-1");
  });

  const refused = () => Response.json({ detail: "The token has expired." }, { status: 401 });
  const newer = () => Response.json({ token: "new", refresh: "refresh-2" });

  it("takes a newer token in place of the refused one", async () => {
    tab.answer = newer;
    equal(await renewal.renew("old"), true);
    deepEqual([kept.credential.value, kept.refreshToken()], ["new", "refresh-2"]);
  });

  it("stays signed out when a renewal ends later, and revokes what that brought", async () => {
    const revoked: unknown[] = [];
    tab.answer = (path, { body }) => {
      if (path !== "/session/oidc/refresh") {
        revoked.push(JSON.parse(String(body)));
        return Response.json({});
      }
      kept.signOut();
      return newer();
    };
    equal(await renewal.renew("old"), false);
    deepEqual([kept.credential.value, localStorage.length], [undefined, 0]);
    deepEqual(revoked, [{ refresh: "refresh-2" }]);
  });

  it("keeps a key with which somebody signed in during a renewal", async () => {
    tab.answer = () => {
      kept.signIn("key");
      return newer();
    };
    equal(await renewal.renew("old"), true);
    deepEqual([kept.credential.value, kept.refreshToken()], ["key", undefined]);
  });

  it("has ended when the API refuses the newer token as well", async () => {
    tab.answer = (path) => (path === "/session/oidc/refresh" ? newer() : refused());
    equal((await client.withCredential(() => fetch("/api/x"))).status, 401);
    equal(kept.ended.value, "The token has expired.");
    deepEqual(tab.requests, ["/api/x", "/session/oidc/refresh", "/api/x"]);
    await client.withCredential(() => fetch("/api/x")).catch(() => undefined);
    equal(tab.requests.length, 3);
  });

  it("ends at the issuer on sign-out, and names the reason if that fails", async () => {
    tab.answer = () => Response.json({ detail: "The issuer refused." }, { status: 503 });
    session.leaveHere();
    equal(localStorage.length, 0);
    deepEqual(tab.requests, ["/session/oidc/revoke"]);
    while (session.signInFault.value === undefined) await new Promise(setImmediate);
    match(session.signInFault.value, /^You are signed out of this browser.*: The issuer refused\.$/);
  });

  it("lets each tab finish the sign-in that it began over its page", async () => {
    let count = 0;
    tab.answer = (path) => {
      if (path === "/session/oidc") {
        count++;
        return Response.json({ url: `https://id.example.com/${count}`, state: `s${count}`, verifier: "v" });
      }
      return path === "/api/whoami" ? Response.json(HOLDER) : newer();
    };
    await issuer.beginAgain();
    await issuer.beginAgain();
    for (const state of ["s1", "s2"]) {
      tab.visit(`/signed-in?state=${state}&code=c`);
      equal(await issuer.finishSignIn(), true, state);
    }
    equal(session.signInFault.value, undefined);
    tab.visit("/signed-in?state=s2&code=c");
    equal(await issuer.finishSignIn(), false);
    match(session.signInFault.value ?? "", /sign in again/);
  });

  it("stays, and signs nobody out, after a link that was followed before", async () => {
    session.holder.value = undefined as Holder | undefined;
    for (const [answer, by] of [
      [refused, undefined],
      [() => Response.json(HOLDER), HOLDER.by],
    ] as const) {
      tab.answer = answer;
      tab.visit("/signed-in?state=stale&code=c");
      equal(await issuer.finishSignIn(), false);
      await session.staySignedIn();
      deepEqual(
        [session.holder.value?.by, kept.credential.value, kept.refreshToken()],
        [by, "old", "refresh-1"],
      );
      equal(session.signInFault.value === undefined, by !== undefined);
    }
  });

  it("forgets sign-ins that nobody finished, but none whose dialog stayed open overnight", async () => {
    const keep = (state: string, at: number) =>
      localStorage.setItem(`skiff.oidc.again.${state}`, JSON.stringify({ state, url: "", at }));
    keep("abandoned", 0);
    keep("overnight", Date.now() - 16 * 3_600_000);
    tab.answer = () => Response.json({ url: "https://id.example.com", state: "s", verifier: "v" });
    await issuer.beginAgain();
    equal(localStorage.getItem("skiff.oidc.again.abandoned"), null);
    for (const state of ["overnight", "s"]) ok(localStorage.getItem(`skiff.oidc.again.${state}`), state);
  });

  it("keeps a page for the same person alone", () => {
    const key = (name: string, keyId: string) => ({ ...HOLDER, by: `key ${name} (${keyId})`, keyId });
    equal(seatOf(HOLDER), seatOf({ ...HOLDER, scopes: ["deploy", "read"] }));
    notEqual(seatOf(HOLDER), seatOf({ ...HOLDER, by: "oidc bob" }));
    notEqual(seatOf(HOLDER), seatOf({ ...HOLDER, scopes: ["read"] }));
    equal(seatOf(key("ada", "k1")), seatOf(key("ada", "k2")));
    notEqual(seatOf(key("ada", "k1")), seatOf(key("bob", "k2")));
  });
});
