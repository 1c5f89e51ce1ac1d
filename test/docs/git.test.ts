import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PERSON } from "../git/support/person.ts";
import { runDocument } from "../support/skiff/documented-commands.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

describe("docs/git.md", function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), "skiff-docs-"));
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
    await skiff.deploy("hello", 'export default () => "Hello";');
  });
  after(async () => {
    await skiff.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("has commands that work", async () => {
    const env = { HOME: folder, GIT_CONFIG_NOSYSTEM: "1", ...PERSON };
    // These need a CLI, and a repository elsewhere.
    const except = ["## The branch that deploys", "## Follow another repository"];
    await runDocument("docs/git.md", { url: skiff.url, folder, env }, except);
    const call = async (name: string) => (await fetch(`${skiff.url}/fn/${name}`)).text();
    assert.deepEqual([await call("hello"), await call("greet")], ["Hello from git", "Hi"]);
  });
});
