import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ALONE } from "../../../manager/git/homes/home.ts";
import { StoredHome } from "../../../manager/git/homes/stored/stored-home.ts";
import { NO_COMMIT } from "../../../manager/git/repository.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { PostgresHarness } from "../../store/postgres/open-store.ts";
import { stateOf } from "./commits.ts";
import { plainGit } from "./plain-git.ts";
import { programGit } from "./program-git.ts";

const MIB = 1024 ** 2;
const SIZE_MIB = 100;

describe("a large pack in the store", function () {
  this.timeout(120_000);
  const { git, close } = programGit();
  const harness = new PostgresHarness();
  const folder = mkdtempSync(join(tmpdir(), "skiff-test-large-"));

  after(async () => {
    await close();
    await harness.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Makes a repository with one large file, which cannot be compressed. */
  async function largeCommit(repository: string): Promise<string> {
    mkdirSync(repository);
    await plainGit.run(["init", "-q", "--bare", "."], { repository });
    const args = ["-c", "core.compression=0", "-c", "fastimport.unpackLimit=0", "fast-import", "--quiet"];
    const { stdin, ended } = plainGit.start(args, { repository });
    function* parts() {
      yield `commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 5\nLarge`;
      yield `\nM 100644 inline large.bin\ndata ${SIZE_MIB * MIB}\n`;
      for (let part = 0; part < SIZE_MIB; part++) yield randomBytes(MIB);
      yield "\n";
    }
    await pipeline(Readable.from(parts()), stdin);
    await ended;
    return (await plainGit.run(["rev-parse", "main"], { repository })).toString().trim();
  }

  /** Returns by how much the memory of this process grows at most while `work` runs. */
  async function growthOf(work: () => Promise<void>): Promise<number> {
    const before = process.memoryUsage.rss();
    let most = before;
    const sampling = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss());
    }, 20);
    try {
      await work();
    } finally {
      clearInterval(sampling);
    }
    return most - before;
  }

  it(`goes in and out in parts: ${SIZE_MIB} MiB take less than 64 MiB of memory`, async () => {
    const source = join(folder, "source");
    const commit = await largeCommit(source);
    const { repositories } = await harness.open();
    const limits = limitsFromEnv({});
    const home = (name: string) =>
      new StoredHome({ folder: join(folder, name), git, repositories, limits, manager: ALONE });
    const small = await home("a").create("small", stateOf(0, [], "small"));
    await small.save({ state: small.state });
    const saved = await growthOf(async () => {
      const created = await home("a").create("large", stateOf(0, [], "large"));
      const refs = [{ ref: "refs/heads/main", from: NO_COMMIT, to: commit }];
      await created.save({ state: stateOf(1, [commit], "large"), objects: join(source, "objects"), refs });
    });
    const opened = await growthOf(async () => {
      const repository = await home("b").open("large");
      assert.equal(repository?.head, commit);
      assert.ok((await repository!.bytes()) > SIZE_MIB * MIB);
    });
    const grown = `saving took ${Math.round(saved / MIB)} MiB, opening ${Math.round(opened / MIB)} MiB`;
    assert.ok(saved < 64 * MIB && opened < 64 * MIB, grown);
  });
});
