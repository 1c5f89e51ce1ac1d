import assert from "node:assert/strict";
import request from "supertest";
import { parseTrustedProxies } from "../../../http/trusted-proxies.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { hashOf } from "../../../platform/keys/key-text.ts";
import { issuedKey } from "../../support/issued-key.ts";
import { type StartedManager, startManager } from "../started-manager.ts";

const TOKEN = "0123456789abcdef-token";
const tokenHash = hashOf(TOKEN).toString("hex");
const ATTEMPTS = 5;

describe("manager: wrong keys and tokens", () => {
  let skiff: StartedManager;
  const keyTable = new KeyTable();
  beforeEach(async () => {
    skiff = await startManager({
      access: { mode: "token", tokenHash, whereabouts: "" },
      limits: { attempts: ATTEMPTS },
      keyTable,
      proxies: parseTrustedProxies("loopback"),
    });
  });
  afterEach(() => skiff.stop());

  const get = async (authorization: string | undefined, from: string) => {
    const test = request(skiff.url).get("/func").set("x-forwarded-for", from);
    return authorization === undefined ? await test : await test.set({ authorization });
  };
  const fail = async (from: string, times = ATTEMPTS) => {
    for (let n = 0; n < times; n++) assert.equal((await get("Bearer wrong", from)).status, 401);
  };

  it("block their address with 429, also for the right token, which a person may have chosen", async () => {
    await fail("203.0.113.9");
    const wrongKey = issuedKey({ set: () => undefined }).authorization;
    for (const authorization of ["Bearer wrong", `Bearer ${TOKEN}`, wrongKey]) {
      const { status, body, headers } = await get(authorization, "203.0.113.9");
      assert.deepEqual([status, body.code, body.setting], [429, "too_many_attempts", "SKIFF_MAX_ATTEMPTS"]);
      const seconds = Number(headers["retry-after"]);
      assert.ok(seconds > 0 && seconds <= 60, headers["retry-after"]);
    }
  });

  it("never block a right key: nobody can guess one, and many clients may have one address", async () => {
    const { authorization } = issuedKey(keyTable, { scopes: ["read"] });
    await fail("203.0.113.9");
    assert.equal((await get(authorization, "203.0.113.9")).status, 200);
    const wrong = issuedKey({ set: () => undefined }).authorization;
    for (let n = 0; n < ATTEMPTS; n++) assert.equal((await get(wrong, "203.0.113.12")).status, 401);
    assert.equal((await get(wrong, "203.0.113.12")).status, 429);
    assert.equal((await get(authorization, "203.0.113.12")).status, 200);
  });

  it("never block another address, or one behind the same proxy", async () => {
    await fail("203.0.113.9");
    assert.equal((await get(`Bearer ${TOKEN}`, "203.0.113.10")).status, 200);
    assert.equal((await get(`Bearer ${TOKEN}`, "2001:db8::1")).status, 200);
    // What a client writes itself stands before the entry of the proxy.
    assert.equal((await get(`Bearer ${TOKEN}`, "203.0.113.9, 203.0.113.11")).status, 200);
    assert.equal((await get(`Bearer ${TOKEN}`, "203.0.113.11, 203.0.113.9")).status, 429);
  });

  it("do not count what was no attempt to guess: no credentials, and expired keys", async () => {
    const { authorization } = issuedKey(keyTable, { expiresAt: "2020-01-01T00:00:00Z" });
    for (let n = 0; n < 2 * ATTEMPTS; n++) {
      assert.equal((await get(undefined, "203.0.113.9")).status, 401);
      assert.equal((await get(authorization, "203.0.113.9")).body.code, "unauthorized");
    }
    assert.equal((await get(`Bearer ${TOKEN}`, "203.0.113.9")).status, 200);
  });

  it("do not block probes and requests without credentials", async () => {
    await fail("203.0.113.9");
    await request(skiff.url).get("/readyz").set("x-forwarded-for", "203.0.113.9").expect(200);
    assert.equal((await get(undefined, "203.0.113.9")).status, 401);
  });
});
