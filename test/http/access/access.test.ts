import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import request from "supertest";
import { type Access, refusal, type Visitor } from "../../../http/access/access.ts";
import { Credentials } from "../../../http/access/credentials.ts";
import { FailedAttempts } from "../../../http/failed-attempts.ts";
import { isProbe } from "../../../manager/access/guard.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { Problem } from "../../../platform/problems.ts";
import { startManager } from "../../manager/started-manager.ts";

const TOKEN = "0123456789abcdef-._~+/==";
const tokenHash = createHash("sha256").update(TOKEN).digest("hex");
const LOOPBACK: Access = { mode: "loopback" };
const whereabouts = "It lies on the table.";
const REMOTE: Access = { mode: "token", tokenHash, whereabouts };
const LOCAL_TOKEN: Access = { mode: "token", tokenHash, whereabouts, loopback: true };
const OPEN: Access = { mode: "open" };

type PathVisitor = Visitor & { readonly path: string };

const VISITOR: PathVisitor = {
  method: "POST",
  path: "/func",
  host: ["localhost:8080"],
};
const hosts = (...host: string[]) => ({ host });
const origins = (...origin: string[]) => ({ origin });
const site = (...sites: string[]) => ({ "sec-fetch-site": sites });
const auth = (...authorization: string[]) => ({ authorization });
const bearer = auth(`Bearer ${TOKEN}`);
const get = { method: "GET" };
const passes = undefined;

type Row = readonly [
  title: string,
  Access,
  Partial<PathVisitor>,
  "forbidden" | "unauthorized" | "invalid_request" | undefined,
];

/** The problem that a visitor gets; undefined if it may pass. */
async function problemFor(access: Access, visitor: PathVisitor): Promise<Problem | undefined> {
  const refused = refusal(access, visitor);
  if (refused !== undefined) return new Problem(refused.code, refused.detail);
  if (isProbe(visitor.path)) return undefined;
  const limits = { attempts: 20 };
  const attempts = new FailedAttempts(limits);
  const refresh = async () => {};
  const keys = new KeyTable();
  const credentials = new Credentials({ access, keys, refresh, attempts, limits, now: Date.now });
  return await credentials.identify(visitor, "192.0.2.1").then(
    () => undefined,
    (error: Problem) => error,
  );
}

const ROWS: readonly Row[] = [
  ["loopback: localhost with a port", LOOPBACK, {}, passes],
  ["loopback: localhost without a port", LOOPBACK, hosts("localhost"), passes],
  ["loopback: capitals", LOOPBACK, hosts("LocalHost:1"), passes],
  ["loopback: a name below localhost", LOOPBACK, hosts("skiff.localhost:8080"), passes],
  ["loopback: 127.0.0.1", LOOPBACK, hosts("127.0.0.1:8080"), passes],
  ["loopback: another address of 127.0.0.0/8", LOOPBACK, hosts("127.9.8.7"), passes],
  ["loopback: [::1]", LOOPBACK, hosts("[::1]:8080"), passes],
  ["loopback: [::1] written in full", LOOPBACK, hosts("[0:0:0:0:0:0:0:1]"), passes],
  ...(
    ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "forwarded", "via"] as const
  ).flatMap((field): Row[] => [
    [`loopback: through a proxy that sends ${field}`, LOOPBACK, { [field]: ["203.0.113.9"] }, "forbidden"],
    [`open: through a proxy that sends ${field}`, OPEN, { [field]: ["203.0.113.9"] }, passes],
  ]),
  ["loopback: no Host", LOOPBACK, hosts(), "forbidden"],
  ["loopback: two Hosts", LOOPBACK, hosts("localhost", "localhost"), "forbidden"],
  ["loopback: an empty Host", LOOPBACK, hosts(""), "forbidden"],
  ["loopback: a public name", LOOPBACK, hosts("evil.example"), "forbidden"],
  ["loopback: a name that begins like one", LOOPBACK, hosts("localhost.evil.example"), "forbidden"],
  ["loopback: a name that begins like an address", LOOPBACK, hosts("127.0.0.1.evil.example"), "forbidden"],
  ["loopback: a name that ends like one", LOOPBACK, hosts("evillocalhost"), "forbidden"],
  ["loopback: only the dot of one", LOOPBACK, hosts(".localhost"), "forbidden"],
  ["loopback: the root's dot", LOOPBACK, hosts("localhost."), "forbidden"],
  ["loopback: 0.0.0.0", LOOPBACK, hosts("0.0.0.0:8080"), "forbidden"],
  ["loopback: a private address", LOOPBACK, hosts("192.168.0.1"), "forbidden"],
  ["loopback: a short form of an address", LOOPBACK, hosts("127.1"), "forbidden"],
  ["loopback: an address as one number", LOOPBACK, hosts("2130706433"), "forbidden"],
  ["loopback: an address in hexadecimal", LOOPBACK, hosts("0x7f000001"), "forbidden"],
  ["loopback: user information", LOOPBACK, hosts("localhost@evil.example"), "forbidden"],
  ["loopback: a path", LOOPBACK, hosts("localhost/fn/x?"), "forbidden"],
  ["loopback: a port that is none", LOOPBACK, hosts("localhost:99999"), "forbidden"],
  ["loopback: a list", LOOPBACK, hosts("localhost, evil.example"), "forbidden"],
  // A page that a function serves has the origin of the management API.
  ["loopback: its own origin", LOOPBACK, origins("http://localhost:8080"), "forbidden"],
  [
    "loopback: the page of a function",
    LOOPBACK,
    { ...origins("http://localhost:8080"), ...site("same-origin") },
    "forbidden",
  ],
  [
    "loopback: the page of a function that deletes",
    LOOPBACK,
    { method: "DELETE", path: "/func/hello", ...origins("http://localhost:8080"), ...site("same-origin") },
    "forbidden",
  ],
  ["loopback: the page of a function that reads", LOOPBACK, { ...get, ...site("same-origin") }, "forbidden"],
  [
    "loopback: the page of a function that probes",
    LOOPBACK,
    { ...get, path: "/healthz", ...site("same-origin") },
    "forbidden",
  ],
  ["loopback: a foreign origin", LOOPBACK, origins("https://evil.example"), "forbidden"],
  [
    "loopback: a foreign origin that only reads",
    LOOPBACK,
    { ...get, ...origins("https://evil.example") },
    "forbidden",
  ],
  ["loopback: another port of localhost", LOOPBACK, origins("http://localhost:3000"), "forbidden"],
  ["loopback: another name of the machine", LOOPBACK, origins("http://127.0.0.1:8080"), "forbidden"],
  ["loopback: another scheme", LOOPBACK, origins("https://localhost:8080"), "forbidden"],
  ["loopback: origin null", LOOPBACK, origins("null"), "forbidden"],
  ["loopback: an origin that is none", LOOPBACK, origins("localhost:8080"), "forbidden"],
  ["loopback: an empty origin", LOOPBACK, origins(""), "forbidden"],
  ["loopback: two origins", LOOPBACK, origins("http://localhost:8080", "http://localhost:8080"), "forbidden"],
  ["loopback: a request from another site", LOOPBACK, site("cross-site"), "forbidden"],
  [
    "loopback: a navigation from another site",
    LOOPBACK,
    { ...get, path: "/", ...site("cross-site") },
    "forbidden",
  ],
  ["loopback: a request from another port", LOOPBACK, site("same-site"), "forbidden"],
  ["loopback: a request of its own page", LOOPBACK, site("same-origin"), "forbidden"],
  ["loopback: an address typed in", LOOPBACK, { ...get, ...site("none") }, passes],
  ["loopback: a site that it does not know", LOOPBACK, site("other"), "forbidden"],
  ["loopback: one good site and a bad one", LOOPBACK, site("none", "cross-site"), "forbidden"],
  [
    "loopback: a probe by a foreign name",
    LOOPBACK,
    { ...get, path: "/healthz", ...hosts("evil.example") },
    "forbidden",
  ],
  ["token: the right one", REMOTE, bearer, passes],
  ["token: the scheme in other letters", REMOTE, auth(`bEARER  ${TOKEN}`), passes],
  ["token: none", REMOTE, {}, "unauthorized"],
  ["token: none, only reading", REMOTE, get, "unauthorized"],
  ["token: a wrong one", REMOTE, auth("Bearer 0123456789abcdef"), "unauthorized"],
  ["token: its hash", REMOTE, auth(`Bearer ${tokenHash}`), "unauthorized"],
  ["token: an empty one", REMOTE, auth("Bearer "), "unauthorized"],
  ["token: without a scheme", REMOTE, auth(TOKEN), "unauthorized"],
  ["token: another scheme", REMOTE, auth(`Basic ${TOKEN}`), "unauthorized"],
  ["token: two in one header", REMOTE, auth(`Bearer ${TOKEN}, Bearer ${TOKEN}`), "unauthorized"],
  ["token: two headers", REMOTE, auth(`Bearer ${TOKEN}`, `Bearer ${TOKEN}`), "unauthorized"],
  ["token: characters after it", REMOTE, auth(`Bearer ${TOKEN} x`), "unauthorized"],
  ["token: liveness needs none", REMOTE, { ...get, path: "/healthz" }, passes],
  ["token: readiness needs none", REMOTE, { ...get, path: "/readyz" }, passes],
  ["token: metrics need it", REMOTE, { ...get, path: "/metrics" }, "unauthorized"],
  ["token: a path that only looks like a probe", REMOTE, { ...get, path: "/healthz/" }, "unauthorized"],
  ["token: any host", REMOTE, { ...bearer, ...hosts("skiff.example") }, passes],
  ["token: a Host that is a number", REMOTE, { ...bearer, ...hosts("127.1") }, "invalid_request"],
  ["token: no Host", REMOTE, { ...bearer, ...hosts() }, "invalid_request"],
  ["token: a Host that changes URLs", REMOTE, { ...bearer, ...hosts("x/fn/y?") }, "invalid_request"],
  [
    "token: a foreign page that changes something",
    REMOTE,
    { ...bearer, ...origins("https://evil.example") },
    "forbidden",
  ],
  [
    "token: its own page behind TLS",
    REMOTE,
    { ...bearer, ...hosts("skiff.example"), ...origins("https://skiff.example") },
    passes,
  ],
  ["token on loopback: the right one", LOCAL_TOKEN, bearer, passes],
  [
    "token on loopback: the right one from its own page",
    LOCAL_TOKEN,
    { ...bearer, ...origins("http://localhost:8080"), ...site("same-origin") },
    passes,
  ],
  ["token on loopback: its own page without a token", LOCAL_TOKEN, site("same-origin"), "unauthorized"],
  ["token on loopback: none", LOCAL_TOKEN, {}, "unauthorized"],
  ["token on loopback: a foreign host", LOCAL_TOKEN, { ...bearer, ...hosts("evil.example") }, "forbidden"],
  [
    "token on loopback: a foreign page",
    LOCAL_TOKEN,
    { ...bearer, ...get, ...site("cross-site") },
    "forbidden",
  ],
  ["open: anybody", OPEN, hosts("skiff.example"), passes],
  ["open: a foreign page that reads", OPEN, { ...get, ...origins("https://evil.example") }, "forbidden"],
  ["open: an address typed in", OPEN, { ...get, ...site("none") }, passes],
  ["open: the page of a function", OPEN, origins("http://localhost:8080"), "forbidden"],
  ["open: the page of a function that reads", OPEN, { ...get, ...site("same-origin") }, "forbidden"],
  ["open: a foreign page that changes something", OPEN, origins("https://evil.example"), "forbidden"],
  ["open: a foreign page that deletes", OPEN, { method: "DELETE", ...site("cross-site") }, "forbidden"],
  ["open: two Hosts", OPEN, hosts("a.example", "b.example"), "invalid_request"],
];

describe("manager: access", () => {
  for (const [title, access, visitor, code] of ROWS) {
    it(`${code === undefined ? "lets pass" : `answers ${code} to`} ${title}`, async () => {
      assert.equal((await problemFor(access, { ...VISITOR, ...visitor }))?.code, code);
    });
  }

  it("asks for a Bearer token as RFC 6750 says", async () => {
    const challenge = async (authorization: string[]) =>
      (await problemFor(REMOTE, { ...VISITOR, authorization }))?.extensions.challenge;
    assert.equal(await challenge([]), 'Bearer realm="skiff"');
    assert.equal(await challenge(["Bearer wrong"]), 'Bearer realm="skiff", error="invalid_token"');
    assert.equal(await challenge(["Basic x"]), 'Bearer realm="skiff", error="invalid_request"');
  });

  it("says where the token is, whatever is wrong with the one that was sent", async () => {
    for (const authorization of [[], ["Bearer wrong"], ["Basic x"]]) {
      assert.match(
        (await problemFor(REMOTE, { ...VISITOR, authorization }))!.detail,
        /Bearer TOKEN\. It lies on the table\.$/,
      );
    }
  });

  it("answers 401 and 403 as problem documents over HTTP, before it reads or does anything", async () => {
    const skiff = await startManager({ access: REMOTE });
    try {
      const answer = await request(skiff.url).post("/func?name=hello").send("x").expect(401);
      assert.equal(answer.body.code, "unauthorized");
      assert.equal(answer.headers["www-authenticate"], 'Bearer realm="skiff"');
      assert.equal(skiff.builder.built.length, 0);
      const authorized = request(skiff.url).post("/func?name=hello").set("authorization", `Bearer ${TOKEN}`);
      await authorized.send("x").expect(201);
      const twice = `authorization: Bearer ${TOKEN}\r\n`.repeat(2);
      const head = "GET /func HTTP/1.1\r\nhost: localhost\r\nconnection: close";
      assert.match(await skiff.raw(`${head}\r\n${twice}\r\n`), /^HTTP\/1\.1 401 /);
    } finally {
      await skiff.stop();
    }
  });

  it("sees a repeated, a missing and a foreign Host on the wire", async () => {
    const skiff = await startManager({ access: LOOPBACK });
    const status = async (version: string, headers: string) =>
      (await skiff.raw(`GET /func HTTP/${version}\r\n${headers}connection: close\r\n\r\n`)).slice(9, 12);
    try {
      assert.equal(await status("1.1", "host: localhost\r\n"), "200");
      assert.equal(await status("1.1", "host: localhost\r\nhost: localhost\r\n"), "403");
      assert.equal(await status("1.1", "host: localhost\r\nHOST: evil.example\r\n"), "403");
      assert.equal(await status("1.1", "host: evil.example\r\n"), "403");
      assert.equal(await status("1.0", ""), "403");
      assert.equal(await status("1.1", "host: localhost\r\norigin: null\r\n"), "403");
    } finally {
      await skiff.stop();
    }
  });
});
