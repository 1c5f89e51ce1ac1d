import assert from "node:assert/strict";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";
import { GitUser } from "../support/git-user.ts";

const TOKEN = "token-of-the-operator-of-this-test";
const authorization = `Bearer ${TOKEN}`;

describe("access to a repository", () => {
  let skiff: StartedSkiff;
  let user: GitUser;

  before(async () => {
    skiff = await startedSkiff({ env: { SKIFF_TOKEN: TOKEN } });
    user = await GitUser.init(urlFor(TOKEN));
    await user.commit({ "main.ts": `export default () => "one";\n` });
    const { code, stderr } = await user.push();
    assert.equal(code, 0, stderr);
  });

  after(async () => {
    user.close();
    await skiff.close();
  });

  /** The URL with a password. */
  const urlFor = (key?: string) =>
    `${skiff.url.replace("//", key === undefined ? "//" : `//anyone:${key}@`)}/git/hello.git`;

  async function keyFor(spec: Readonly<Record<string, unknown>>): Promise<string> {
    const response = await fetch(`${skiff.url}/key`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({ name: "test", ...spec }),
    });
    const { key } = await response.json();
    return key;
  }

  /** What git prints, which has to fail. */
  async function refused(...args: readonly string[]): Promise<string> {
    const { code, stderr } = await user.run(...args);
    assert.notEqual(code, 0, stderr);
    return stderr;
  }

  it("needs a key", async () => {
    assert.match(await refused("ls-remote", urlFor()), /could not read Username/);
    const advice = (scope: string) => new RegExp(`enter a key with the scope ${scope} as the password`);
    assert.match(await refused("ls-remote", urlFor("wrong")), advice("read"));
    assert.match(await refused("push", urlFor("wrong"), "HEAD:main"), advice("deploy"));
  });

  it("needs the scope read for a clone and deploy for a push", async () => {
    const key = await keyFor({ scopes: ["read"] });
    assert.match(await user.git("ls-remote", urlFor(key)), /refs\/heads\/main/);
    const said = await refused("push", urlFor(key), "HEAD:main");
    assert.match(said, /A push needs the scope deploy, and key test \(\w+\) has read/);
  });

  it("needs a key for the function", async () => {
    const key = await keyFor({ scopes: ["read", "deploy"], functions: ["other"] });
    assert.match(await refused("ls-remote", urlFor(key)), /is for other only, not for "hello"/);
  });

  it("does not give a function away that the key is not for", async () => {
    const key = await keyFor({ scopes: ["read", "deploy"], functions: ["hello"] });
    const before = await user.git("rev-parse", "HEAD");
    await user.commit({ "skiff.yaml": "functions:\n  hello: main.ts\n  more: main.ts\n" });
    assert.match(await refused("push", urlFor(key), "HEAD:main"), /is for hello only, not for "more"/);
    await user.git("reset", "-q", "--hard", before);
    const headers = { authorization };
    assert.equal((await fetch(`${skiff.url}/func/more`, { headers })).status, 404);
  });

  it("is in the audit log", async () => {
    const response = await fetch(`${skiff.url}/audit?limit=100`, { headers: { authorization } });
    const { entries } = await response.json();
    const details = entries
      .filter((entry: { target?: string }) => entry.target === "hello")
      .map(({ detail }: { detail?: string }) => detail ?? "");
    assert.ok(
      details.some((detail: string) => /^main [0-9a-f]{7}: hello version 1$/.test(detail)),
      details.join("\n"),
    );
    assert.ok(details.includes("refused: insufficient_scope"), details.join("\n"));
  });

  it("counts pushes", async () => {
    const text = await (await fetch(`${skiff.url}/metrics`, { headers: { authorization } })).text();
    assert.match(text, /^skiff_git_pushes_total\{result="deployed"\} 1$/m);
    assert.match(text, /^skiff_git_pushes_total\{result="refused"\} 1$/m);
    assert.match(text, /^skiff_git_push_seconds_count 2$/m);
  });
}).timeout(60_000);
