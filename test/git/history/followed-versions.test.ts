import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { packTar } from "../../../manager/files/archive.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";

const run = promisify(execFile);
const source = (answer: string) => `export default () => new Response("${answer}");`;

/** Versions that other clients deploy, as git sees them. */
describe("a repository of versions", () => {
  let skiff: StartedSkiff;
  let folder: string;

  before(async () => {
    skiff = await startedSkiff({ env: { SKIFF_VERSIONS_KEPT: "3" } });
    folder = mkdtempSync(join(tmpdir(), "skiff-history-"));
  });

  after(async () => {
    await skiff.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("is made from the kept versions, and follows what comes after them", async () => {
    await deploy("hello", source("1"), "message=First");
    await deploy("hello", source("2"), "memory=256Mi&env=TOKEN=hidden");
    await deploy("hello", source("3"), "memory=256Mi&timeout=30s");
    const clone = await cloned("hello");
    assert.deepEqual(await log(clone), ["Deploy hello version 3", "Deploy hello version 2", "First"]);
    assert.deepEqual(filesIn(clone), ["main.ts", "skiff.yaml"]);
    assert.equal(textOf(clone, "main.ts"), source("3"));
    assert.equal(textOf(clone, "skiff.yaml"), "memory: 256Mi\ntimeout: 30s\n");
    assert.doesNotMatch(await git(clone, "log", "-p"), /hidden/);
    assert.equal(await git(clone, "log", "--format=%an", "-1"), "local\n");

    const tip = await rollBack("hello", "1");
    await git(clone, "pull", "--ff-only");
    assert.equal((await git(clone, "rev-parse", "HEAD")).trim(), tip.commit);
    assert.equal((await log(clone))[0], "Roll back hello to version 1");
    assert.deepEqual(filesIn(clone), ["main.ts"]);
    assert.equal(textOf(clone, "main.ts"), source("1"));

    await deploy("hello", source("4"), "message=Fourth");
    await git(clone, "pull", "--ff-only");
    assert.equal((await log(clone)).length, 5);
    assert.equal(textOf(clone, "main.ts"), source("4"));
    const before = await git(clone, "rev-parse", "HEAD");
    await git(clone, "pull", "--ff-only");
    assert.equal(await git(clone, "rev-parse", "HEAD"), before);
  });

  it("shows the commits of versions, and goes back to a commit whose version is gone", async () => {
    for (const answer of ["a", "b", "c", "d"]) await deploy("back", source(answer), `message=${answer}`);
    const clone = await cloned("back");
    const ids = (await git(clone, "log", "--format=%H")).trim().split("\n");
    const { versions } = (await (await fetch(`${skiff.url}/func/back/versions`)).json()) as {
      versions: readonly { commit: string; author: string }[];
    };
    assert.deepEqual(
      versions.map(({ commit }) => commit),
      ids,
    );
    assert.equal(versions[0]!.author, "local");
    assert.equal((await rollBack("back", ids[1]!.slice(0, 8))).version, 3);
    const fifth = await deploy("back", source("e"));
    assert.equal(fifth, 5);
    await git(clone, "pull", "--ff-only");
    const oldest = (await git(clone, "log", "--format=%H")).trim().split("\n").at(-1)!;
    const { version, commit } = await rollBack("back", oldest);
    assert.equal(version, 6);
    assert.equal(await (await fetch(`${skiff.url}/fn/back`)).text(), "b");
    await git(clone, "pull", "--ff-only");
    assert.equal((await git(clone, "rev-parse", "HEAD")).trim(), commit);
    assert.equal(textOf(clone, "main.ts"), source("b"));
    const wrong = await fetch(`${skiff.url}/func/back/rollback?to=0123456789`, { method: "POST" });
    assert.equal(((await wrong.json()) as { code: string }).code, "unknown_commit");
  });

  it("has archives as their files", async () => {
    await deploy(
      "folder",
      await packTar(
        new Map([
          ["main.ts", Buffer.from(source("1"))],
          ["lib/a.ts", Buffer.from("export const a = 1;\n")],
        ]),
      ),
    );
    assert.deepEqual(filesIn(await cloned("folder")), ["lib/a.ts", "main.ts"]);
  });

  it("goes with its function", async () => {
    await deploy("gone", source("1"));
    await cloned("gone");
    assert.equal((await fetch(`${skiff.url}/func/gone`, { method: "DELETE" })).ok, true);
    await assert.rejects(cloned("gone"), /no repository "gone"/);
    await deploy("gone", source("another"), "message=Another");
    assert.deepEqual(await log(await cloned("gone")), ["Another"]);
  });

  async function deploy(name: string, body: string | Uint8Array, settings = ""): Promise<unknown> {
    const { status, body: answer } = await skiff.deploy(name, body, settings);
    assert.ok(status < 300, JSON.stringify(answer));
    return answer.version;
  }

  async function rollBack(name: string, to: string): Promise<{ version: number; commit?: string }> {
    const response = await fetch(`${skiff.url}/func/${name}/rollback?to=${to}`, { method: "POST" });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return JSON.parse(text) as { version: number; commit?: string };
  }

  async function cloned(name: string): Promise<string> {
    const clone = mkdtempSync(join(folder, `${name}-`));
    await git(clone, "clone", "-q", `${skiff.url}/git/${name}.git`, ".");
    return clone;
  }

  async function git(cwd: string, ...args: readonly string[]): Promise<string> {
    const env = { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: "1", GIT_TERMINAL_PROMPT: "0" };
    return (await run("git", [...args], { cwd, env })).stdout;
  }

  async function log(clone: string): Promise<string[]> {
    return (await git(clone, "log", "--format=%s")).split("\n").filter(Boolean);
  }
});

function filesIn(clone: string): string[] {
  const entries = readdirSync(clone, { recursive: true, withFileTypes: true });
  return entries
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name).slice(clone.length + 1))
    .filter((path) => !path.startsWith(".git/"))
    .sort();
}

function textOf(clone: string, file: string): string {
  return readFileSync(join(clone, file), "utf8");
}
