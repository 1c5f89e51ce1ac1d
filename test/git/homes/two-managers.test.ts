import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ALONE, type OpenRepository } from "../../../manager/git/homes/home.ts";
import { Copies } from "../../../manager/git/homes/stored/copies.ts";
import { StoredHome } from "../../../manager/git/homes/stored/stored-home.ts";
import { NO_COMMIT, type RefUpdate } from "../../../manager/git/repository.ts";
import type { Repositories } from "../../../store/git/repositories.ts";
import type { PostgresStore } from "../../../store/postgres/postgres-store.ts";
import { PostgresHarness } from "../../store/postgres/open-store.ts";
import { sharedPostgres } from "../../support/postgres.ts";
import { stateOf } from "./commits.ts";
import { plainGit } from "./plain-git.ts";
import { programGit } from "./program-git.ts";
import { type StepChain, stepChainOf } from "./step-chain.ts";

const MAIN = "refs/heads/main";
const GIB = 1024 ** 3;

describe("managers that share nothing but the store", function () {
  this.timeout(60_000);
  const { git, close } = programGit();
  const harness = new PostgresHarness();
  let root: string;
  let store: PostgresStore;
  let chain: StepChain;

  before(async () => {
    root = mkdtempSync(join(tmpdir(), "skiff-test-managers-"));
    store = await harness.open();
    chain = await stepChainOf(root, 42);
  });

  after(async () => {
    await close();
    await harness.dispose();
    rmSync(root, { recursive: true, force: true });
  });

  interface Options {
    readonly repositories?: Repositories;
    readonly repositoryBytes?: number;
    readonly gitMs?: number;
    readonly folder?: string;
  }

  function manager(options: Options = {}) {
    const { repositories = store.repositories, repositoryBytes = GIB, gitMs = 60_000 } = options;
    const { folder = mkdtempSync(join(root, "copies-")) } = options;
    return {
      folder,
      home: new StoredHome({ folder, git, repositories, limits: { repositoryBytes, gitMs }, manager: ALONE }),
    };
  }

  function step(number: number): RefUpdate {
    return { ref: MAIN, from: chain.commits[number - 2] ?? NO_COMMIT, to: chain.commits[number - 1]! };
  }

  function saveStep(repository: OpenRepository, number: number): Promise<OpenRepository> {
    const state = stateOf(number, chain.commits, repository.name);
    return repository.save({ state, objects: chain.quarantines[number - 1]!, refs: [step(number)] });
  }

  async function made(name: string, { home } = manager()): Promise<OpenRepository> {
    return await saveStep(await home.create(name, stateOf(0, [], name)), 1);
  }

  it("let one of two pushes win; the other one gets a conflict, and what won when it opens again", async () => {
    const [a, b] = [manager(), manager()];
    await made("both", a);
    const opened = [(await a.home.open("both"))!, (await b.home.open("both"))!];
    const saves = await Promise.allSettled(opened.map((repository) => saveStep(repository, 2)));
    const lost = saves.filter((save) => save.status === "rejected");
    assert.deepEqual(
      lost.map(({ reason }) => (reason as { code?: string }).code),
      ["repository_conflict"],
    );
    for (const { home } of [a, b]) {
      const again = (await home.open("both"))!;
      assert.deepEqual([again.head, again.state.functions.both?.version], [chain.commits[1], 2]);
      await plainGit.run(["fsck", "--strict"], { repository: again.path });
    }
    await saveStep((await b.home.open("both"))!, 3);
    assert.equal((await a.home.open("both"))?.head, chain.commits[2]);
  });

  it("let a push go on while another one records how a mirror ended", async () => {
    const [a, b] = [manager(), manager()];
    const set = (repository: OpenRepository, at: number) => {
      const mirror = { url: "https://x.example/", direction: "push", last: { at } } as const;
      return repository.save({ state: { ...repository.state, mirror } });
    };
    await set(await made("mirrored", a), 1);
    const pushing = (await a.home.open("mirrored"))!;
    await set((await b.home.open("mirrored"))!, 2);
    const state = { ...pushing.state, tip: chain.commits[1]! };
    const pushed = await pushing.save({ state, objects: chain.quarantines[1]!, refs: [step(2)] });
    assert.deepEqual([pushed.state.mirror?.last, pushed.state.tip], [{ at: 2 }, chain.commits[1]]);
    const seen = (await b.home.open("mirrored"))!;
    assert.deepEqual([seen.head, seen.state.mirror?.last], [chain.commits[1], { at: 2 }]);
    await plainGit.run(["fsck", "--strict"], { repository: seen.path });
    const late = set(pushing, 3);
    await assert.rejects(late, { code: "repository_conflict" });
  });

  it("take a push in turns, each with its own copy", async () => {
    const managers = [manager(), manager()];
    await made("turns", managers[0]);
    for (let number = 2; number <= 7; number++) {
      await saveStep((await managers[number % 2]!.home.open("turns"))!, number);
    }
    const { path, head } = (await managers[0]!.home.open("turns"))!;
    assert.equal(head, chain.commits[6]);
    const log = await plainGit.run(["rev-list", "--count", "main"], { repository: path });
    assert.equal(log.toString().trim(), "7");
  });

  it("ask the store once for a copy that is current, and fetch only packs that are new", async () => {
    await made("asked");
    const asked: string[] = [];
    const repositories = new Proxy(store.repositories, {
      get: (target, name: keyof Repositories) => {
        asked.push(name);
        return target[name].bind(target);
      },
    });
    const { home } = manager({ repositories });
    await home.open("asked");
    assert.deepEqual(asked.splice(0), ["get", "readPack"]);
    await home.open("asked");
    assert.deepEqual(asked.splice(0), ["get"]);
    await saveStep((await manager().home.open("asked"))!, 2);
    await home.open("asked");
    assert.deepEqual(asked, ["get", "readPack"]);
  });

  it("follow each other when one packs everything again", async () => {
    const [a, b] = [manager(), manager()];
    const created = await a.home.create("packed", stateOf(0, [], "packed"));
    const refs = [{ ref: MAIN, from: NO_COMMIT, to: chain.commits.at(-1)! }];
    const state = stateOf(chain.commits.length, chain.commits, "packed");
    const repository = await created.save({ state, objects: chain.objects, refs });
    assert.ok((await store.repositories.get("packed"))!.packs.length > 40);
    await b.home.open("packed");
    await repository.maintain();
    assert.equal((await store.repositories.get("packed"))?.packs.length, 1);
    const { path, head } = (await b.home.open("packed"))!;
    assert.equal(head, chain.commits.at(-1));
    const packs = readdirSync(join(path, "objects", "pack")).filter((name) => name.endsWith(".pack"));
    assert.equal(packs.length, 1);
    await plainGit.run(["fsck", "--strict"], { repository: path });
  });

  it("lose nothing with their disks", async () => {
    const first = manager();
    await made("disk", first);
    rmSync(first.folder, { recursive: true });
    const { path, head } = (await manager().home.open("disk"))!;
    assert.equal(head, chain.commits[0]);
    await plainGit.run(["fsck", "--strict"], { repository: path });
  });

  it("complete a copy that a killed one left", async () => {
    const first = manager();
    const { path } = await made("half", first);
    for (const name of readdirSync(join(path, "objects", "pack"))) {
      if (name.endsWith(".idx")) rmSync(join(path, "objects", "pack", name));
    }
    writeFileSync(join(path, MAIN), `${"2".repeat(40)}\n`);
    const again = (await manager({ folder: first.folder }).home.open("half"))!;
    assert.deepEqual([again.path, again.head], [path, chain.commits[0]]);
    await plainGit.run(["fsck", "--strict"], { repository: path });
  });

  it("set the refs of a push that git did not move", async () => {
    const { home } = manager({ gitMs: -1000 });
    const repository = await made("unmoved", { ...manager(), home });
    const [state, objects] = [stateOf(2, chain.commits, "unmoved"), chain.quarantines[1]!];
    const saved = await repository.save({ state, objects, refs: [step(2)], byGit: true });
    assert.equal(saved.head, chain.commits[0]);
    const settled = await saved.save({ state, refs: [step(2)] });
    assert.equal(settled.head, chain.commits[1]);
    await settled.save({
      state,
      refs: [{ ref: "refs/heads/side", from: NO_COMMIT, to: chain.commits[0]! }],
      byGit: true,
    });
    const { path } = (await home.open("unmoved"))!;
    const side = await plainGit.run(["rev-parse", "refs/heads/side"], { repository: path });
    assert.equal(side.toString().trim(), chain.commits[0]);
  });

  it("refuse refs to objects that are not there", async () => {
    const repository = await made("absent");
    const refs = [{ ref: MAIN, from: chain.commits[0]!, to: "1".repeat(40) }];
    await assert.rejects(repository.save({ state: repository.state, refs }), /has no object 1111/);
  });

  it("refuse a pack that is damaged in the store, and leave no copy with it", async () => {
    await made("damaged");
    const query = async (text: string) =>
      (await sharedPostgres()).query(new URL(harness.urlOf(store)).pathname.slice(1), text);
    const of = "WHERE upload IN (SELECT upload FROM repository_packs WHERE repository = 'damaged')";
    await query(
      `UPDATE repository_pack_parts SET bytes = set_byte(bytes, 20, 255 - get_byte(bytes, 20)) ${of}`,
    );
    const { home } = manager();
    await assert.rejects(home.open("damaged"), /index-pack/);
    await assert.rejects(home.open("damaged"), /index-pack/);
    await query(`DELETE FROM repository_pack_parts ${of}`);
    await assert.rejects(home.open("damaged"), /is gone/);
  });

  it("keep the copies that were used last, within a bound, and make others anew", async () => {
    const names = ["bound-a", "bound-b", "bound-c"];
    for (const name of names) await made(name);
    const bytes = (await store.repositories.get("bound-a"))!.packs[0]!.bytes;
    const { home, folder } = manager({ repositoryBytes: bytes, gitMs: -1000 });
    for (const name of names) await home.open(name);
    assert.deepEqual(readdirSync(folder).sort(), ["bound-b.git", "bound-c.git"]);
    assert.equal((await home.open("bound-a"))?.head, chain.commits[0]);
    assert.equal(existsSync(join(folder, "bound-b.git")), false);
  });
});

describe("working copies", () => {
  it("go if they are too large together and nobody used them lately, the least recently used first", () => {
    const copies = new Copies({ mostBytes: 100, useMs: 10 });
    copies.set("a", { revision: 1, bytes: 60, usedAt: 0 });
    assert.equal(copies.surplus(1000), undefined);
    copies.set("b", { revision: 1, bytes: 60, usedAt: 5 });
    assert.equal(copies.surplus(9), undefined);
    assert.equal(copies.surplus(20), "a");
    copies.set("a", { revision: 2, bytes: 60, usedAt: 20 });
    assert.equal(copies.surplus(40), "b");
    copies.delete("b");
    assert.equal(copies.surplus(40), undefined);
  });
});
