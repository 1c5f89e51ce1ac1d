import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository } from "../../../manager/git/homes/bare-repository.ts";
import type { OpenRepository } from "../../../manager/git/homes/home.ts";
import { maintain } from "../../../manager/git/homes/maintain.ts";
import type { Push } from "../../../manager/git/push/push.ts";
import { refuseMissingHistory } from "../../../manager/git/push/rules/quarantine.ts";
import { emptyState, NO_COMMIT } from "../../../manager/git/repository.ts";
import { hasCommit } from "../../../manager/git/tree/read-commits.ts";
import { PERSON } from "../support/person.ts";
import { plainGit } from "./plain-git.ts";

const WHO = "Ada <ada@example.com> 1700000000 +0000";
const BYTES = 10_000;
const { signal } = new AbortController();

describe("a repository from which unnamed objects are dropped", () => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-test-drop-"));
  const repository = join(folder, "dropped.git");
  const quarantine = join(repository, "objects", "tmp_objdir-incoming-1");
  const liveSince = Date.now();
  let deleted: string;
  let built: string;

  before(async () => {
    await initRepository(repository, "main");
    const commits = ["main", "old"].map((name) => {
      const content = randomBytes(BYTES).toString("latin1");
      const file = `M 100644 inline ${name}\ndata ${Buffer.byteLength(content)}\n${content}`;
      return `commit refs/heads/${name}\ncommitter ${WHO}\ndata 1\nx${file}\n`;
    });
    const args = ["-c", "fastimport.unpackLimit=0", "fast-import", "--quiet"];
    await plainGit.run(args, { repository, input: commits.join("") });
    deleted = (await plainGit.run(["rev-parse", "old"], { repository })).toString().trim();
    await plainGit.run(["branch", "-D", "old"], { repository });
    // A push that builds on files of the deleted branch, and does not send them.
    mkdirSync(quarantine);
    const commit = ["commit-tree", `${deleted}^{tree}`, "-m", "Built on it"];
    built = (await plainGit.run(commit, { repository, objects: quarantine, env: PERSON })).toString().trim();
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  const drop = (keep: readonly string[] | undefined) =>
    maintain(plainGit, repository, { mostBytes: BYTES, keep, liveSince, state: emptyState() });
  const isThere = () => hasCommit(plainGit, { repository, commit: deleted });
  const check = () => {
    const updates = [{ ref: "refs/heads/built", from: NO_COMMIT, to: built }];
    const push = { repository: { path: repository } as OpenRepository, objects: quarantine, updates, signal };
    return refuseMissingHistory(plainGit, push as unknown as Push);
  };

  it("keeps what a request may ask for that has not ended", async () => {
    for (const keep of [undefined, [deleted]]) {
      await drop(keep);
      assert.ok(await isThere());
      await check();
    }
  });

  it("has no room for them, and refuses pushes that need them", async () => {
    await drop([]);
    assert.equal(await isThere(), false);
    await plainGit.run(["fsck", "--strict"], { repository });
    await assert.rejects(check(), { code: "push_refused", detail: /lacks a part of its history/ });
  });
});
