import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../installation.ts";
import { kubectl } from "../kubectl.ts";

const NAME = "keys-guarded";
const SOURCE = "export default (request) => request.headers.get('authorization') ?? 'no credential';\n";
const JSON_TYPE = { "content-type": "application/json" };
/** Enough connections to meet both routers. */
const TRIES = 12;

describe("keys on the cluster", () => {
  let skiff: Installation;

  before(async () => {
    skiff = await Installation.install();
    const { status, body } = await skiff.deploy(NAME, SOURCE, "access=key&min=1");
    assert.equal(status, 201, JSON.stringify(body));
  });
  after(async () => {
    await skiff.remove(NAME);
    await skiff.close();
  });

  async function create(of: object): Promise<{ id: string; key: string }> {
    const body = JSON.stringify({ name: "cluster", scopes: ["call"], functions: [NAME], ...of });
    const answer = await skiff.manage("/key", { method: "POST", body, headers: JSON_TYPE });
    assert.equal(answer.status, 201, await answer.clone().text());
    return (await answer.json()) as { id: string; key: string };
  }
  const revoke = (id: string) => skiff.manage(`/key/${id}`, { method: "DELETE" });
  /** The statuses of calls over new connections, which go to a router by chance. */
  async function statuses(key?: string): Promise<number[]> {
    const headers = { connection: "close", ...(key && { authorization: `Bearer ${key}` }) };
    const calls = Array.from({ length: TRIES }, async () => (await skiff.call(NAME, "", { headers })).status);
    return [...new Set(await Promise.all(calls))];
  }
  const every = (key: string | undefined, status: number, withinMs = 10_000) =>
    eventually(
      `every router answers ${status}`,
      async () => (await statuses(key)).every((each) => each === status),
      withinMs,
    );

  it("let calls pass by every router, without showing the function the key", async () => {
    const { id, key } = await create({});
    await every(undefined, 401);
    await every(key, 200);
    const answer = await skiff.call(NAME, "", { headers: { authorization: `Bearer ${key}` } });
    assert.equal(await answer.text(), "no credential");
    await revoke(id);
  });

  it("end at every router within a second after they are revoked, by the API and by kubectl", async () => {
    for (const remove of [revoke, (id: string) => kubectl("delete", "key", id, "-n", "skiff-functions")]) {
      const { id, key } = await create({});
      await every(key, 200);
      await remove(id);
      await every(key, 401, 1_000);
    }
  });

  it("do what their scopes and functions allow, and no more", async () => {
    const { id, key } = await create({ scopes: ["call", "read"], functions: ["another"] });
    await every(key, 403);
    const headers = { authorization: `Bearer ${key}` };
    assert.equal((await fetch(`${skiff.manager}/func/${NAME}`, { headers })).status, 403);
    assert.equal((await fetch(`${skiff.manager}/key`, { headers })).status, 403);
    await revoke(id);
  });

  it("have two valid secrets after a rotation", async () => {
    const { id, key } = await create({});
    const rotated = (await (await skiff.manage(`/key/${id}/rotate`, { method: "POST" })).json()) as {
      key: string;
    };
    await every(rotated.key, 200);
    await every(key, 200);
    await revoke(id);
  });

  it("are accepted by both managers as soon as one of them has created them", async () => {
    const { id, key } = await create({ scopes: ["read"] });
    const headers = { authorization: `Bearer ${key}`, connection: "close" };
    const calls = Array.from({ length: TRIES }, async () => {
      return (await fetch(`${skiff.manager}/func/${NAME}`, { headers })).status;
    });
    assert.deepEqual([...new Set(await Promise.all(calls))], [200]);
    await revoke(id);
  });

  it("are no way to an internal function, which nobody reaches from outside", async () => {
    const { id, key } = await create({});
    const answer = await skiff.manage(`/func/${NAME}`, {
      method: "PATCH",
      headers: JSON_TYPE,
      body: JSON.stringify({ access: "internal" }),
    });
    assert.equal(answer.status, 200, await answer.text());
    await every(key, 404);
    await revoke(id);
  });

  it("leave a trace of who did what in the audit log of all managers", async () => {
    const { id } = await create({ name: "traced" });
    await revoke(id);
    const read = async () => {
      const answer = await skiff.manage(`/audit?search=${id}`);
      assert.equal(answer.status, 200, await answer.clone().text());
      return JSON.stringify(await answer.json());
    };
    const entries = async () => (await read()).split(`"key/${id}"`).length - 1;
    await eventually("creation and removal are listed", async () => (await entries()) === 2);
    assert.doesNotMatch(await read(), /sk_/);
  });
});
