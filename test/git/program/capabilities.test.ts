import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initRepository } from "../../../manager/git/homes/bare-repository.ts";
import { Capabilities } from "../../../manager/git/program/capabilities.ts";
import { findGit, type InstalledGit } from "../../../manager/git/program/find-git.ts";

const { signal } = new AbortController();

describe("the capabilities of git", () => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-capabilities-"));
  const [one, other] = [join(folder, "one.git"), join(folder, "other.git")];
  let installed: InstalledGit;

  before(async () => {
    const bounds = { pushBytes: 1024 };
    const path = process.env.PATH;
    installed = await findGit({ folder: join(folder, "tools"), path, bounds, timeoutMs: 60_000 });
    await initRepository(one, "main");
    await initRepository(other, "trunk");
  });

  after(async () => {
    await installed.git.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("are those that git says itself of each repository", async () => {
    const { git, backend, capabilities } = installed;
    const first = await capabilities.read({ repository: one, signal });
    assert.equal(await capabilities.read({ repository: other, signal }), first);
    assert.equal(first.status, 200);
    const fields = Object.fromEntries(first.fields);
    assert.equal(fields["content-type"], "application/x-git-upload-pack-advertisement");
    assert.match(fields["cache-control"]!, /no-cache/);
    const args = ["upload-pack", "--http-backend-info-refs", other];
    const own = await git.run(args, { repository: other, env: { GIT_PROTOCOL: "version=2" } });
    assert.equal(first.body.toString(), own.toString());
    const again = new Capabilities(git, backend);
    assert.deepEqual(await again.read({ repository: other, signal }), first);
  });

  it("are for clients of protocol 2 that read", () => {
    assert.ok(Capabilities.areAsked("git-upload-pack", "version=2"));
    for (const protocol of [undefined, "version=1", "version=2:x", ["version=2"]])
      assert.ok(!Capabilities.areAsked("git-upload-pack", protocol));
    assert.ok(!Capabilities.areAsked("git-receive-pack", "version=2"));
  });
});
