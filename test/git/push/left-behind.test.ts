import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";
import { type GitResult, GitUser } from "../support/git-user.ts";

/** Random bytes keep their size in a pack. */
const large = () => ({ large: randomBytes(1_200_000) });

describe("what a push leaves behind", () => {
  let skiff: StartedSkiff;
  let user: GitUser;
  let first: string;

  before(async () => {
    skiff = await startedSkiff({ env: { SKIFF_MAX_REPOSITORY: "2Mi" } });
    user = await GitUser.init(`${skiff.url}/git/hello.git`);
    first = await user.commit({ "main.ts": `export default () => "one";\n` });
    accepted(await user.push());
  });

  after(async () => {
    user.close();
    await skiff.close();
  });

  const inRepository = (...path: string[]) => join(skiff.dataFolder, "git", "hello.git", ...path);
  const hook = () => join(skiff.dataFolder, "git-tools", "hooks", "pre-receive");
  const refs = async () => (await user.git("ls-remote", "origin", "refs/*")).split("\n").sort();
  const pushed = (ref: string) => user.push({ to: `HEAD:refs/heads/${ref}` });
  function accepted({ code, stderr }: GitResult): string {
    assert.equal(code, 0, stderr);
    return stderr;
  }
  async function audited(): Promise<string[]> {
    const { entries } = await (await fetch(`${skiff.url}/audit?limit=100`)).json();
    return entries.map(({ detail }: { detail: string }) => detail);
  }

  it("installs the hook again that somebody made no program", async () => {
    chmodSync(hook(), 0o644);
    await user.commit({ "notes.md": "one" });
    assert.match(accepted(await user.push()), /^main [0-9a-f]{7} → hello$/m);
  });

  it("moves refs back that git moved without a decision", async () => {
    const before = await refs();
    const text = readFileSync(hook(), "utf8");
    writeFileSync(hook(), "#!/bin/sh\nexit 0\n");
    await user.commit({ "main.ts": `export default () => "two";\n` });
    await user.run("push", "origin", "HEAD:main", "HEAD:refs/heads/odd", "HEAD:refs/notes/odd");
    writeFileSync(hook(), text);
    assert.deepEqual(await refs(), before);
    assert.ok(skiff.lines.some((line) => line.includes("moved refs without a decision")));
    await user.git("reset", "-q", "--hard", "HEAD^");
    assert.match(accepted(await pushed("later")), /stored later/);
    accepted(await user.run("push", "origin", ":later"));
  });

  it("takes a push to a branch whose lock a killed git left", async () => {
    writeFileSync(inRepository("refs", "heads", "locked.lock"), "");
    accepted(await pushed("locked"));
    assert.ok((await refs()).some((line) => line.endsWith("refs/heads/locked")));
    assert.ok((await audited()).includes("stored locked"));
  });

  it("removes what pushes left that were aborted", async () => {
    const quarantine = inRepository("objects", "tmp_objdir-incoming-aborted");
    mkdirSync(quarantine);
    writeFileSync(join(quarantine, "tmp_pack"), Buffer.alloc(3 * 1024 ** 2));
    assert.match((await pushed("full")).stderr, /other pushes/i);
    await eventually("it is gone", () => !existsSync(quarantine));
    accepted(await pushed("full"));
  });

  it("has no entry in the audit log for the empty push that git sends first", async () => {
    await eventually("the last push is logged", async () => (await audited())[0] === "stored full");
    const before = await audited();
    const response = await fetch(`${skiff.url}/git/hello.git/git-receive-pack`, {
      method: "POST",
      headers: { "content-type": "application/x-git-receive-pack-request" },
      body: "0000",
    });
    assert.equal(response.status, 200);
    await response.arrayBuffer();
    accepted(await pushed("beside"));
    await eventually("the next push is logged", async () => (await audited())[0] === "stored beside");
    assert.deepEqual(await audited(), ["stored beside", ...before]);
  });

  it("has room again when a branch with large files is deleted", async () => {
    for (const branch of ["large-1", "large-2", "large-3", "large-4"]) {
      await user.git("checkout", "-q", "-B", branch, "main");
      await user.commit(large());
      accepted(await pushed(branch));
      accepted(await user.run("push", "origin", `:${branch}`));
    }
    await user.git("fsck", "--full");
    const other = await GitUser.clone(`${skiff.url}/git/hello.git`);
    assert.equal(await other.git("rev-list", "--max-parents=0", "HEAD"), first);
    other.close();
  });
}).timeout(90_000);
