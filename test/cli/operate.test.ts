import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import type { CommandInProcess } from "../support/skiff/command-in-process.ts";
import { CommandLine } from "../support/skiff/command-line.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const TOKEN = "a-token-of-an-installation";
const answering = (text: string) => `export default () => "${text}";\n`;

describe("the command skiff, for operators", function () {
  this.timeout(120_000);
  let skiff: StartedSkiff;
  let processes: CommandLine;
  let cli: CommandInProcess;
  let keys: string;
  before(async () => {
    keys = mkdtempSync(join(tmpdir(), "skiff-cli-keys-"));
    skiff = await startedSkiff({
      env: { SKIFF_TOKEN: TOKEN, SKIFF_SECRETS_KEY_FILE: join(keys, "secrets.key") },
    });
    processes = new CommandLine({ SKIFF_URL: skiff.url, SKIFF_KEY: TOKEN });
    cli = processes.inProcess;
  });
  after(async () => {
    await processes.close();
    await skiff.close();
    rmSync(keys, { recursive: true });
  });

  const write = (path: string, text: string) => {
    mkdirSync(join(cli.folder, path, ".."), { recursive: true });
    writeFileSync(join(cli.folder, path), text);
  };

  it("lists, compares, shares, pins and rolls back versions", async () => {
    write("hello.ts", answering("one"));
    await cli.output(["deploy", "hello.ts", "-m", "The first"]);
    write("hello.ts", answering("two"));
    await cli.output(["deploy", "hello.ts", "-m", "Say two"]);
    assert.match(
      await cli.output(["versions", "hello"]),
      /^VERSION .*\n2 +100 % .* Say two\n1 +- .* The first\n$/,
    );
    assert.match(
      await cli.output(["diff", "hello"]),
      /^-export default \(\) => "one";\n\+export default \(\) => "two";$/m,
    );
    assert.equal(await cli.output(["diff", "hello", "2"]), "");

    assert.match(await cli.output(["rollback", "hello"]), /^All calls of hello go to version 1\.\n$/);
    assert.equal(await cli.output(["call", "hello"]), "one");
    assert.equal(await cli.output(["call", "hello@2"]), "two");
    const moved = await cli.run(["rollback", "hello", "--to", "2", "--if-version", "2"]);
    assert.equal(moved.code, 3);
    assert.match(moved.stderr, /^error: The current version of "hello" is 1:/);

    const shared = await cli.output(["traffic", "hello", "1=1", "2=3", "--sticky-cookie", "visitor"]);
    assert.match(shared, /^version 1: +25 %\nversion 2: +75 %\nsticky: +cookie visitor\n/);
    assert.match(await cli.output(["traffic", "hello", "2"]), /^version 2: +100 %\n/);
    const wrong = await cli.run(["traffic", "hello", "2=x"]);
    assert.deepEqual([wrong.code, wrong.stderr], [2, "error: 2=x needs a number: x is none.\n"]);

    write("hello.ts", answering("three"));
    const preview = await cli.json<{ url: string }>(["deploy", "hello.ts", "--traffic", "0"]);
    assert.equal(preview.url, `${skiff.url}/fn/hello@3`);
    assert.equal(await cli.output(["call", "hello"]), "two");
    await cli.output(["versions", "pin", "hello", "1"]);
    assert.match(await cli.output(["versions", "hello"]), /^1 pinned /m);
  });

  it("stores secrets that functions get, and never shows them", async () => {
    write("shop.ts", `export default () => Deno.env.get("DB_PASSWORD")!.length;\n`);
    assert.match(await cli.output(["secret", "put", "db-password"], { input: "four\n" }), /version 1\./);
    await cli.output(["deploy", "shop.ts", "--secret", "db-password"]);
    assert.equal(await cli.output(["call", "shop"]), "4");
    const changed = await cli.output(["secret", "put", "db-password"], { input: "sixsix\n" });
    assert.match(changed, /^db-password is now version 2\.\nshop runs with it as version 2\.\n$/);
    assert.equal(await cli.output(["call", "shop"]), "6");
    assert.match(await cli.output(["secret"]), /^db-password +2 /m);
    assert.match(await cli.output(["secret", "describe", "db-password"]), /^functions: +shop@1, shop@2$/m);
    const used = await cli.run(["secret", "delete", "db-password"]);
    assert.equal(used.code, 3);
    assert.match(used.stderr, /^error: .*shop/);
  });

  it("creates, lists, rotates and revokes keys", async () => {
    const { code, stdout, stderr } = await cli.run(["key", "create", "ci", "--scope", "read", "--ttl", "1d"]);
    assert.equal(code, 0, stderr);
    const key = stdout.trim();
    const [, id] = /^This is key (\w+)\./.exec(stderr)!;
    await cli.output(["list"], { env: { SKIFF_KEY: key } });
    const denied = await cli.run(["delete", "hello"], { env: { SKIFF_KEY: key } });
    assert.equal(denied.code, 5);
    assert.match(denied.stderr, /deploy/);
    assert.match(await cli.output(["key"]), new RegExp(`^${id} +ci +read +all +active `, "m"));
    const next = (await cli.output(["key", "rotate", id!, "--overlap", "0"])).trim();
    assert.equal((await cli.run(["list"], { env: { SKIFF_KEY: key } })).code, 5);
    await cli.output(["list"], { env: { SKIFF_KEY: next } });
    await cli.output(["key", "revoke", id!]);
    assert.equal((await cli.run(["list"], { env: { SKIFF_KEY: next } })).code, 5);
  });

  it("calls a function that asks for a key with it, but never sends it the token", async () => {
    write("echo.ts", `export default (r: Request) => r.headers.get("authorization") ?? "none";\n`);
    await cli.output(["deploy", "echo.ts"]);
    assert.equal(await cli.output(["call", "echo"]), "none");
    await cli.output(["deploy", "echo.ts", "--access", "key"]);
    assert.equal((await cli.run(["call", "echo"])).code, 5);
    const key = (await cli.output(["key", "create", "app", "--scope", "call"])).trim();
    assert.equal(await cli.output(["call", "echo"], { env: { SKIFF_KEY: key } }), "none");
  });

  it("shows what was used, as a table and as CSV", async () => {
    await eventually(
      "the calls are counted",
      async () => /^hello +[1-9]/m.test(await cli.output(["usage"])),
      30_000,
    );
    assert.match(await cli.output(["usage"]), /^FUNCTION +CALLS +ERRORS +GB-SECONDS +BYTES OUT\n/);
    assert.match(
      await cli.output(["usage", "--by", "version", "--csv"]),
      /^version,calls,errors,gbSeconds,bytesOut\r\n/,
    );
  });

  it("applies a folder after a plan, and nothing the second time; exports what apply takes", async () => {
    write("all/skiff.yaml", "functions:\n  first:\n    memory: 256Mi\n  second: {}\ntopics:\n  orders:\n");
    write("all/first.ts", answering("first"));
    write("all/second.ts", answering("second"));
    const plan = await cli.output(["apply", "all", "--dry-run"]);
    assert.match(plan, /first/);
    assert.equal((await cli.run(["describe", "first"])).code, 4);
    assert.match(
      await cli.output(["apply", "all"]),
      /^first created, version 1 +http\S+\nsecond created.*\ntopic\/orders created$/m,
    );
    assert.equal(await cli.output(["call", "second"]), "second");
    assert.match(
      await cli.output(["apply", "all"]),
      /^= unchanged first\n= unchanged second\n= unchanged topic\/orders\nPlan: 3 unchanged\.\n$/,
    );
    const again = await cli.json<{ functions: { action: string }[] }>(["apply", "all"]);
    assert.deepEqual(
      again.functions.map(({ action }) => action),
      ["unchanged", "unchanged"],
    );

    assert.match(await cli.output(["export", "out"]), /^Wrote \d+ files into out\.\n$/);
    assert.match(readFileSync(join(cli.folder, "out/skiff.yaml"), "utf8"), /first:/);
    assert.equal((await cli.run(["export", "out"])).code, 2);
    const same = await cli.json<{ functions: { action: string }[] }>(["apply", "out", "--dry-run"]);
    assert.ok(
      same.functions.every(({ action }) => action === "unchanged"),
      JSON.stringify(same),
    );
    await cli.output(["export", "all.tar.gz", "--values"]);
    assert.equal(statSync(join(cli.folder, "all.tar.gz")).mode & 0o777, 0o600);

    write("all/second.ts", "export default () => {\n");
    const failed = await cli.run(["apply", "all"]);
    assert.equal(failed.code, 3);
    assert.match(failed.stdout, /^first: |^first unchanged/m);
    assert.match(failed.stdout, /^second failed: .*\.ts:2:1: /m);
    assert.equal(existsSync(join(cli.folder, "all/.git")), false);
  });

  it("searches logs by call, level and text", async () => {
    write(
      "talk.ts",
      `export default () => {\n  console.log("quiet");\n  console.error("loud\\x1b[2J");\n  return "";\n};\n`,
    );
    await cli.output(["deploy", "talk.ts"]);
    const { headers } = await cli.json<{ headers: Record<string, string> }>(["call", "talk"]);
    const id = headers["x-skiff-call-id"]!;
    await eventually("both lines are kept", async () => {
      return (await cli.output(["logs", "talk", "--call", id])).split("\n").length === 3;
    });
    const loud = await cli.output(["logs", "talk", "--level", "error", "--since", "5m"]);
    assert.match(loud, new RegExp(`^\\S+ v1 \\S+ stderr error ${id} loud\\\\x1b\\[2J\\n$`));
    const [line] = (await cli.output(["logs", "talk", "--search", "QUIET", "--json"])).split("\n");
    assert.equal((JSON.parse(line!) as { text: string }).text, "quiet");
  });
});
