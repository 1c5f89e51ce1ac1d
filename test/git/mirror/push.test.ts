import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fetchBranch } from "../../../manager/git/mirror/fetch-branch.ts";
import { toMirrorProblem } from "../../../manager/git/mirror/mirror-failure.ts";
import { findGit } from "../../../manager/git/program/find-git.ts";
import { eventually } from "../../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";
import { OtherSide } from "./other-side.ts";

const program = (answer: string) => `export default () => new Response("${answer}");\n`;

describe("a mirror that is pushed to", function () {
  this.timeout(60_000);
  let other: OtherSide;
  let skiff: StartedSkiff;

  before(async () => {
    other = await OtherSide.start();
    skiff = await startedSkiff({ env: { SKIFF_CALLBACK_HOSTS: other.host } });
    await send("PUT", "/secret/git-token", other.password);
    await skiff.deploy("hello", program("one"));
  });
  after(async () => {
    await skiff?.close();
    await other?.close();
  });

  async function send(method: string, path: string, body?: string | object) {
    const headers = typeof body === "object" ? { "content-type": "application/json" } : undefined;
    const text = typeof body === "object" ? JSON.stringify(body) : body;
    const init = { method, ...(headers ? { headers } : {}), ...(text === undefined ? {} : { body: text }) };
    const response = await fetch(`${skiff.url}${path}`, init);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  const mirror = () => ({ url: other.url, direction: "push", branch: "live", secret: "git-token" });
  const last = async () =>
    ((await send("GET", "/git/hello")).body.mirror as { last: Record<string, unknown> }).last;
  const head = async () => (await send("GET", "/git/hello")).body.head as string;
  /** Deploys a version. Resolves with its commit, which follows later if the repository is in use. */
  async function deploy(text: string): Promise<string> {
    const before = await head();
    assert.equal((await skiff.deploy("hello", program(text))).status, 200);
    await eventually("the version has a commit", async () => (await head()) !== before);
    return await head();
  }

  it("gets what is deployed when it is set, and after each deploy", async () => {
    assert.equal((await send("PUT", "/git/hello/mirror", mirror())).status, 200);
    await eventually("the other side has the branch", () => other.git(["branch", "-a"], other.bare) !== "");
    assert.equal(other.head("live"), await head());
    const deployed = await deploy("two");
    await eventually("the other side has the deploy", () => other.head("live") === deployed);
    assert.match(other.git(["show", "live:main.ts"], other.bare), /two/);
    assert.equal((await send("POST", "/git/hello/sync")).body.commit, deployed);
  });

  it("does not stop a deploy when it is away, and gets it with a sync", async () => {
    other.instead = (_, response) => response.writeHead(503).end();
    const deployed = await deploy("three");
    await eventually("the failure is stored", async () => /503/.test(String((await last()).error)));
    other.instead = undefined;
    assert.equal((await send("POST", "/git/hello/sync")).body.result, "pushed");
    assert.equal(other.head("live"), deployed);
    assert.equal((await last()).error, undefined);
  });

  it("is never forced: commits of its own stay, and are named", async () => {
    other.git(["fetch", "-q", "origin"]);
    other.git(["checkout", "-q", "-B", "live", "origin/live"]);
    const theirs = other.push({ "README.md": "ours\n" }, { branch: "live" });
    await skiff.deploy("hello", program("four"));
    const { status, body } = await send("POST", "/git/hello/sync");
    assert.equal(status, 502);
    assert.match(body.detail as string, /live at .* has commits of its own: fetch them, merge them/);
    assert.equal(other.head("live"), theirs);
  });

  it("gets what failed before a restart, with nothing left of a fetch", async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), "skiff-mirror-"));
    const env = { SKIFF_CALLBACK_HOSTS: other.host };
    const leftover = join(dataFolder, "git-tools/fetched/killed");
    let again = await startedSkiff({ env, dataFolder });
    try {
      other.instead = (_, response) => response.writeHead(503).end();
      await again.deploy("hello", program("five"));
      const body = JSON.stringify({ ...mirror(), branch: "later", secret: undefined });
      const headers = { "content-type": "application/json" };
      await fetch(`${again.url}/git/hello/mirror`, { method: "PUT", headers, body });
      await eventually("the failure is stored", async () =>
        /503/.test(await (await fetch(`${again.url}/git/hello`)).text()),
      );
      await again.close();
      mkdirSync(leftover, { recursive: true });
      other.instead = undefined;
      const { password } = other;
      other.password = "";
      again = await startedSkiff({ env, dataFolder });
      await eventually("the other side has the branch", () =>
        other.git(["branch", "-a"], other.bare).includes("later"),
      );
      other.password = password;
      assert.match(other.git(["show", "later:main.ts"], other.bare), /five/);
      assert.ok(!existsSync(leftover));
    } finally {
      await again.close();
      rmSync(dataFolder, { recursive: true, force: true });
    }
  });

  it("ends in time when the other side never answers", async () => {
    other.instead = () => {};
    const folder = join(other.folder, "tools");
    const limits = { bounds: { pushBytes: 1024 }, timeoutMs: 60_000 };
    const { git } = await findGit({ folder, path: process.env.PATH, ...limits });
    const reach = { config: {}, env: { GIT_ALLOW_PROTOCOL: "http" } };
    const fetching = fetchBranch({
      ...{ git, folder: join(folder, "fetched"), repository: other.bare, url: other.url, branch: "main" },
      ...{ reach, mostBytes: 1024, signal: AbortSignal.timeout(200) },
    });
    const error: unknown = await fetching.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    const context = { url: other.url, branch: "main", timeoutMs: 200, mostBytes: 1024 };
    assert.match((toMirrorProblem(error, context) as Error).message, /took longer than 200 ms/);
    await git.close();
  });
});
