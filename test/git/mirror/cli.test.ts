import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { CommandLine } from "../../support/skiff/command-line.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";
import { OtherSide } from "./other-side.ts";

const TOKEN = "a-token-of-an-installation";
const PERSON = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];

describe("skiff git", function () {
  this.timeout(120_000);
  let other: OtherSide;
  let skiff: StartedSkiff;
  let cli: CommandLine;
  before(async () => {
    other = await OtherSide.start();
    skiff = await startedSkiff({ env: { SKIFF_TOKEN: TOKEN, SKIFF_CALLBACK_HOSTS: other.host } });
    cli = new CommandLine({});
    await cli.output(["context", "add", "live", skiff.url]);
    await cli.output(["login"], { input: TOKEN });
    writeFileSync(join(cli.folder, "hello.ts"), 'export default () => "one";\n');
    await cli.output(["deploy", "hello.ts", "-m", "Say one"]);
  });
  after(async () => {
    await cli.close();
    await skiff.close();
    await other.close();
  });

  const git = (...args: string[]) =>
    promisify(execFile)("git", [...PERSON, ...args], {
      cwd: join(cli.folder, "hello"),
      env: { PATH: process.env.PATH, HOME: cli.folder, GIT_TERMINAL_PROMPT: "0" },
    });

  it("clones, and the clone pushes with the key of the context, which is in no file", async () => {
    const { code, stderr } = await cli.run(["git", "clone", "hello"]);
    assert.equal(code, 0, stderr);
    writeFileSync(join(cli.folder, "hello/main.ts"), 'export default () => "two";\n');
    await git("commit", "-qam", "Say two");
    assert.match((await git("push")).stderr, /remote: .*hello/);
    assert.equal(await (await fetch(`${skiff.url}/fn/hello`)).text(), "two");
    assert.ok(!readFileSync(join(cli.folder, "hello/.git/config"), "utf8").includes(TOKEN));
  });

  it("gives the key to the address of the context alone", async () => {
    const get = (host: string) =>
      cli.output(["git", "credential", "get"], { input: `protocol=http\nhost=${host}\n\n` });
    assert.equal(await get(new URL(skiff.url).host), `username=skiff\npassword=${TOKEN}\n`);
    assert.equal(await get("example.com"), "");
    assert.equal(await cli.output(["git", "credential", "erase"], { input: "\n" }), "");
  });

  it("shows repositories, commits and branches", async () => {
    assert.match(await cli.output(["git"]), /hello +main +[0-9a-f]{7} /);
    assert.match(
      await cli.output(["git", "show", "hello"]),
      /clone: +git clone http.*\n(.*\n)+functions: +hello@2/,
    );
    assert.match(await cli.output(["git", "log", "hello"]), / 2 .*Say two\n.* 1 .*Say one\n/);
    const { code, stderr } = await cli.run(["git", "branch", "hello", "none"]);
    assert.deepEqual([code, /has no branch "none"/.test(stderr)], [3, true], stderr);
  });

  it("sets a mirror, uses it, and ends it", async () => {
    await cli.output(["secret", "put", "git-token"], { input: other.password });
    await cli.output(["secret", "put", "hook"], { input: "0123456789abcdef" });
    const to = await cli.output(["git", "mirror", "hello", "--to", other.url, "--secret", "git-token"]);
    assert.match(to, /follows hello\.\nPushed main [0-9a-f]{7} at /);
    const from = ["git", "mirror", "mirrored", "--from", other.url, "--secret", "git-token"];
    const printed = await cli.output([...from, "--webhook-secret", "hook"]);
    assert.match(printed, /webhook.*\/git\/mirrored\/hook\nDeployed main [0-9a-f]{7}: mirrored version 1/);
    assert.match(await cli.output(["git", "sync", "mirrored"]), /^Unchanged/);
    assert.match(
      await cli.output(["git", "show", "mirrored"]),
      /mirror: +from http.*\nwebhook: .*\nlast: +\d+s ago/,
    );
    assert.match(await cli.output(["git", "mirror", "mirrored", "--off"]), /no longer mirrored/);
    assert.equal((await cli.run(["git", "sync", "mirrored"])).code, 4);
    assert.equal((await cli.run(["git", "mirror", "mirrored", "--off", "--to", other.url])).code, 2);
  });
});
