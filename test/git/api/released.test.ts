import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import request from "supertest";
import { FolderHome } from "../../../manager/git/homes/folder-home.ts";
import { type StartedManager, startManager } from "../../manager/started-manager.ts";
import { plainGit } from "../homes/plain-git.ts";

describe("manager: the repository of a push that fails", () => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-test-released-"));
  const home = new FolderHome({ folder: join(folder, "git"), git: plainGit });
  let skiff: StartedManager;

  before(async () => {
    const tools = { folder: join(folder, "tools"), path: process.env.PATH };
    skiff = await startManager({ gitHome: { ...tools, open: async () => home } });
  });
  after(async () => {
    await skiff.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("is released, although what the push left cannot be removed", async () => {
    const create = home.create.bind(home);
    let path = "";
    home.create = async (name, state) => {
      const created = await create(name, state);
      path = created.path;
      rmSync(join(path, "objects"), { recursive: true });
      writeFileSync(join(path, "objects"), "");
      return created;
    };
    await request(skiff.url).post("/git/hello.git/git-receive-pack").send("0000").expect(200);
    assert.deepEqual([path !== "", existsSync(path)], [true, false]);
  });
});
