import assert from "node:assert/strict";
import { KeyRegistry } from "../../../manager/access/key-registry.ts";
import { type FollowedKeys, followKeys } from "../../../platform/keys/follow-keys.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { hashOf } from "../../../platform/keys/key-text.ts";
import type { KubernetesPlatform } from "../../../platform/kubernetes/kubernetes-platform.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { eventually } from "../../support/eventually.ts";
import { FakeCluster } from "../../support/platform/fake-cluster.ts";

describe("keys of a cluster", () => {
  let cluster: FakeCluster;
  /** One manager and two routers. */
  let platforms: KubernetesPlatform[];
  let tables: KeyTable[];
  let followed: FollowedKeys[];
  let registry: KeyRegistry;
  const now = () => Date.parse("2030-01-01T00:00:00Z");

  beforeEach(async () => {
    cluster = await FakeCluster.start();
    platforms = [1, 2, 3].map(() => cluster.open());
    tables = platforms.map(() => new KeyTable());
    followed = platforms.map(({ declarations }, at) => followKeys(declarations, tables[at]!, assert.fail));
    const { declarations } = platforms[0]!;
    registry = new KeyRegistry({ declarations, keys: tables[0]!, limits: limitsFromEnv({}), now });
  });
  afterEach(async () => {
    for (const each of followed) each.close();
    for (const platform of platforms) await platform.close();
    await cluster.close();
  });

  const holds = (text: string) => tables.map((table) => table.check(text, now())?.key.name);
  const create = () => registry.create({ name: "ci", scopes: ["call"], quota: { rate: "5/s" } });

  it("hold at once in the manager that created them, and within a second in every router", async () => {
    const { text } = await create();
    assert.equal(holds(text)[0], "ci");
    await eventually("every router knows the key", () => holds(text).every((name) => name === "ci"));
  });

  it("are revoked at once, also by kubectl", async () => {
    for (const revoke of [
      (id: string) => registry.revoke(id),
      (name: string) => platforms[1]!.declarations.remove("Key", name),
    ]) {
      const { stored, text } = await create();
      await eventually("every router knows the key", () => holds(text).every((name) => name === "ci"));
      const beganMs = performance.now();
      await revoke(stored.id);
      await eventually("nobody accepts the key", () => holds(text).every((name) => name === undefined));
      assert.ok(performance.now() - beganMs < 10_000);
    }
  });

  it("are there when a router starts, and while the API server is away", async () => {
    const { text } = await create();
    const platform = cluster.open();
    platforms.push(platform);
    const table = new KeyTable();
    const keys = followKeys(platform.declarations, table, assert.fail);
    followed.push(keys);
    await keys.loaded;
    assert.equal(table.check(text, now())?.key.name, "ci");
    await cluster.server.down();
    assert.equal(table.check(text, now())?.key.name, "ci");
    await cluster.server.up();
  });

  it("are custom resources with a hash and without the key", async () => {
    const { stored, text } = await create();
    const { spec } = (await platforms[1]!.declarations.get("Key", stored.id))!;
    assert.deepEqual([spec.scopes, spec.quota], [["call"], { rate: "5/s" }]);
    assert.equal(spec.hash, hashOf(text).toString("hex"));
    assert.ok(!JSON.stringify(spec).includes(text.slice(-43)));
  });
});
