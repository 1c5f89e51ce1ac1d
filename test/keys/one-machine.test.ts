import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const SOURCE = `export default (request) => String(request.headers.get("authorization"));`;

describe("keys on one machine", function () {
  this.timeout(60_000);
  let folder: string;
  let skiff: StartedSkiff;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "skiff-keys-"));
    skiff = await startedSkiff({ dataFolder: folder });
    assert.equal((await skiff.deploy("keyed", SOURCE, "access=key")).status, 201);
  });
  after(async () => {
    await skiff.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const create = async (body: object = { name: "app", scopes: ["call"] }) => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${skiff.url}/key`, { method: "POST", headers, body: JSON.stringify(body) });
    return (await response.json()) as { id: string; key: string };
  };
  const call = async (key?: string) => {
    const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const response = await fetch(`${skiff.url}/fn/keyed`, { headers });
    return `${response.status} ${response.status === 200 ? await response.text() : ""}`.trim();
  };

  it("open functions that ask for one, from their creation to their revocation", async () => {
    assert.equal(await call(), "401");
    const { id, key } = await create();
    assert.equal(await call(key), "200 null");
    await fetch(`${skiff.url}/key/${id}`, { method: "DELETE" });
    assert.equal(await call(key), "401");
  });

  it("hold both secrets of a rotation, and the new access of a function at once", async () => {
    const { id, key } = await create();
    const rotated = await fetch(`${skiff.url}/key/${id}/rotate`, { method: "POST" });
    const { key: next } = (await rotated.json()) as { key: string };
    assert.deepEqual([await call(key), await call(next)], ["200 null", "200 null"]);
    const patch = (access: string) =>
      fetch(`${skiff.url}/func/keyed`, {
        method: "PATCH",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ access }),
      });
    await patch("internal");
    assert.equal(await call(key), "404");
    await patch("public");
    assert.equal(await call(), "200 null");
    await patch("key");
    assert.equal(await call(), "401");
  });

  it("outlive a restart, and so do a revocation and the audit log", async () => {
    const [kept, revoked] = [await create(), await create()];
    await fetch(`${skiff.url}/key/${revoked.id}`, { method: "DELETE" });
    await skiff.close();
    skiff = await startedSkiff({ dataFolder: folder });
    assert.equal(await call(kept.key), "200 null");
    assert.equal(await call(revoked.key), "401");
    const response = await fetch(`${skiff.url}/audit?search=${revoked.id}`);
    const { entries } = (await response.json()) as { entries: { by: string; action: string }[] };
    assert.deepEqual(
      entries.map(({ by, action }) => `${by} ${action}`),
      ["local key.revoke", "local key.create"],
    );
  });
});
