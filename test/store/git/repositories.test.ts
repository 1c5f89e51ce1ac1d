import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import type { StoredRepository } from "../../../store/git/repositories.ts";
import type { PostgresStore } from "../../../store/postgres/postgres-store.ts";
import { sharedPostgres } from "../../support/postgres.ts";
import { DAY_MS, PostgresHarness } from "../postgres/open-store.ts";

const harness = new PostgresHarness();
const MIB = 1024 ** 2;

function row(name: string, members: Partial<StoredRepository> = {}): StoredRepository {
  const updatedAt = new Date("2026-01-02T03:04:05Z");
  return {
    name,
    revision: 0,
    refs: {},
    packs: [],
    functions: [name],
    state: { branch: "main" },
    updatedAt,
    ...members,
  };
}

function idOf(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}

describe("git repositories in PostgreSQL", function () {
  this.timeout(60_000);
  let store: PostgresStore;

  before(async () => {
    store = await harness.open();
  });

  after(() => harness.dispose());

  async function added(
    repository: string,
    content: Uint8Array | string,
  ): Promise<{ id: string; bytes: number }> {
    const bytes = Buffer.from(content);
    const id = idOf(bytes.toString("latin1"));
    await store.repositories.addPack(repository, { id, parts: Readable.from([bytes]) });
    return { id, bytes: bytes.byteLength };
  }

  async function packOf(repository: string, id: string): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of store.repositories.readPack(repository, id)) parts.push(Buffer.from(part));
    return Buffer.concat(parts);
  }

  async function uploads(): Promise<number> {
    const found = await sharedQuery("SELECT count(DISTINCT upload) AS uploads FROM repository_pack_parts");
    return Number(found[0]?.uploads);
  }

  async function sharedQuery(text: string) {
    const database = new URL(harness.urlOf(store)).pathname.slice(1);
    return (await sharedPostgres()).query(database, text);
  }

  it("are kept with all that was saved", async () => {
    const saved = row("kept", { refs: { "refs/heads/main": idOf("a") }, functions: ["kept", "other"] });
    const revision = await store.repositories.save(saved, undefined);
    assert.deepEqual(await store.repositories.get("kept"), { ...saved, revision });
    assert.equal(await store.repositories.get("nobody"), undefined);
  });

  it("are changed only by a save that knows their revision", async () => {
    const { repositories } = store;
    const first = await repositories.save(row("revised"), undefined);
    assert.equal(await repositories.save(row("revised"), undefined), undefined);
    const second = await repositories.save(row("revised", { refs: { a: "1" } }), first);
    assert.ok(second! > first!);
    assert.equal(await repositories.save(row("revised", { refs: { a: "2" } }), first), undefined);
    assert.deepEqual((await repositories.get("revised"))?.refs, { a: "1" });
    assert.equal(await repositories.save(row("unknown"), first), undefined);
  });

  it("let one of many saves at once win", async () => {
    const { repositories } = store;
    const first = await repositories.save(row("race"), undefined);
    const saves = Array.from({ length: 8 }, (_, n) =>
      repositories.save(row("race", { refs: { n: `${n}` } }), first),
    );
    assert.equal((await Promise.all(saves)).filter((revision) => revision !== undefined).length, 1);
  });

  it("never have a revision twice, also when one is removed and made again", async () => {
    const { repositories } = store;
    const first = await repositories.save(row("again"), undefined);
    assert.equal(await repositories.remove("again"), true);
    assert.equal(await repositories.remove("again"), false);
    assert.ok((await repositories.save(row("again"), undefined))! > first!);
  });

  it("come in order of name, and are found by their functions", async () => {
    const { repositories } = store;
    for (const name of ["zz-b", "zz-a", "zz-c"]) {
      await repositories.save(row(name, { functions: [`one-of-${name}`, `two-of-${name}`] }), undefined);
    }
    const names = async (after: string) =>
      (await repositories.list({ after, limit: 2 })).map(({ name }) => name);
    assert.deepEqual([await names("zz-"), await names("zz-b")], [["zz-a", "zz-b"], ["zz-c"]]);
    assert.equal(await repositories.ownerOf("two-of-zz-b"), "zz-b");
    assert.equal(await repositories.ownerOf("nobody"), undefined);
  });

  it("have packs of any size, byte by byte", async () => {
    for (const content of [randomBytes(2 * MIB + 5), randomBytes(MIB), randomBytes(1)]) {
      const { id } = await added("sizes", content);
      assert.ok((await packOf("sizes", id)).equals(content));
    }
  });

  it("store a pack once", async () => {
    const before = await uploads();
    const { id } = await added("once", "a pack");
    await added("once", "a pack");
    assert.equal(await uploads(), before + 1);
    await Promise.all([added("once", "at once"), added("once", "at once")]);
    assert.ok((await uploads()) <= before + 3);
    assert.equal((await packOf("once", id)).toString(), "a pack");
  });

  it("keep nothing of a pack whose bytes end with an error", async () => {
    const before = await uploads();
    async function* broken() {
      yield Buffer.alloc(2 * MIB);
      throw new Error("the disk is gone");
    }
    const pack = { id: idOf("broken"), parts: broken() };
    await assert.rejects(store.repositories.addPack("broken", pack), /the disk is gone/);
    await assert.rejects(packOf("broken", pack.id), /is gone/);
    assert.equal(await uploads(), before);
  });

  it("refuse a save with a pack that is not there, and change nothing", async () => {
    const { repositories } = store;
    const packs = [{ id: idOf("missing"), bytes: 1 }];
    await assert.rejects(repositories.save(row("missing", { packs }), undefined), /is gone/);
    assert.equal(await repositories.get("missing"), undefined);
  });

  it("lose packs that they name no more, and keep those that others are about to name", async () => {
    const { repositories } = store;
    const [a, b, c] = [await added("packs", "a"), await added("packs", "b"), await added("packs", "c")];
    const first = await repositories.save(row("packs", { packs: [a, b] }), undefined);
    await repositories.save(row("packs", { packs: [b] }), first);
    await assert.rejects(packOf("packs", a.id), /is gone/);
    assert.equal((await packOf("packs", b.id)).toString(), "b");
    assert.equal((await packOf("packs", c.id)).toString(), "c");
    await repositories.remove("packs");
    await assert.rejects(packOf("packs", b.id), /is gone/);
  });

  it("lose packs that nothing names for a day", async () => {
    const { repositories } = store;
    const [named, unnamed] = [await added("days", "named"), await added("days", "unnamed")];
    await repositories.save(row("days", { packs: [named] }), undefined);
    await store.removeOld(new Date(Date.now() + DAY_MS / 2));
    assert.equal((await packOf("days", unnamed.id)).toString(), "unnamed");
    await store.removeOld(new Date(Date.now() + DAY_MS + 1000));
    await assert.rejects(packOf("days", unnamed.id), /is gone/);
    assert.equal((await packOf("days", named.id)).toString(), "named");
  });

  it("are not there while the store is away", async () => {
    const away = harness.openAt("postgres://skiff@127.0.0.1:1/skiff");
    await assert.rejects(away.repositories.get("kept"), { code: "store_unavailable" });
  });
});
