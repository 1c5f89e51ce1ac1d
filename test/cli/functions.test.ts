import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import type { CommandInProcess } from "../support/skiff/command-in-process.ts";
import { CommandLine } from "../support/skiff/command-line.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const HELLO = `export default (request: Request) => {
  const { searchParams } = new URL(request.url);
  console.log("called");
  return { hello: searchParams.get("name") ?? Deno.env.get("GREETING") ?? "world" };
};
`;

describe("the command skiff, for functions", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  let processes: CommandLine;
  let cli: CommandInProcess;
  before(async () => {
    skiff = await startedSkiff();
    processes = new CommandLine({ SKIFF_URL: skiff.url });
    cli = processes.inProcess;
  });
  after(async () => {
    await processes.close();
    await skiff.close();
  });

  const write = (path: string, text: string) => {
    mkdirSync(join(cli.folder, path, ".."), { recursive: true });
    writeFileSync(join(cli.folder, path), text);
  };

  it("deploys a file and prints its URL alone on standard output", async () => {
    write("hello.ts", HELLO);
    const { code, stdout, stderr } = await cli.run(["deploy", "hello.ts"]);
    assert.equal(code, 0, stderr);
    assert.equal(stdout, `${skiff.url}/fn/hello\n`);
    assert.match(stderr, /^Created hello, version 1, in [\d.]+ m?s\n$/);
    const again = await cli.json(["deploy", "hello.ts"]);
    assert.deepEqual([again.version, again.unchanged], [1, true]);
  });

  it("calls it with a query, a body and headers", async () => {
    assert.equal(await cli.output(["call", "hello?name=Ada"]), '{"hello":"Ada"}');
    write(
      "echo.ts",
      `export default async (r: Request) => [r.method, r.headers.get("x-a"), await r.text()].join(" ");\n`,
    );
    await cli.output(["deploy", "echo.ts"]);
    assert.equal(await cli.output(["call", "echo", "-d", "text", "-H", "x-a: b"]), "POST b text");
    assert.equal(await cli.output(["call", "echo", "-X", "PUT", "-d", "@-"], { input: "in" }), "PUT  in");
    const { status, body } = await cli.json(["call", "echo"]);
    assert.deepEqual([status, body], [200, "GET  "]);
  });

  it("deploys a module with the files that it imports, and nothing else", async () => {
    write(
      "shop/main.ts",
      `import { price } from "./lib/price.ts";\nimport data from "../data.json" with { type: "json" };\nexport default () => price + data.tax;\n`,
    );
    write("shop/lib/price.ts", "export const price: number = 40;\n");
    write("data.json", '{"tax": 2}');
    write("shop/unused.ts", "export const broken = ;\n");
    const { name } = await cli.json(["deploy", "shop/main.ts"]);
    assert.equal(name, "shop");
    assert.equal(await cli.output(["call", "shop"]), "42");
    assert.equal((await cli.json(["deploy", "shop/main.ts"])).unchanged, true);
    // Without an import it is a module alone again, although the version before had the setting `entry`.
    write("shop/main.ts", "export default () => 43;\n");
    assert.equal((await cli.json(["deploy", "shop/main.ts"])).version, 2);
    assert.equal(await cli.output(["call", "shop"]), "43");
  });

  it("deploys a folder with what its links lead to, without packages, secrets and ignored files", async () => {
    write(
      "app/main.ts",
      `import { x } from "./linked/x.ts";\nexport default () => x + Deno.readTextFileSync(new URL("note.txt", import.meta.url));\n`,
    );
    write("app/note.txt", "noted");
    write("elsewhere/x.ts", 'export const x = "x ";\n');
    symlinkSync(join(cli.folder, "elsewhere"), join(cli.folder, "app/linked"));
    symlinkSync(join(cli.folder, "app"), join(cli.folder, "app/circle"));
    for (const left of [
      ".env",
      ".env.local",
      ".env.production",
      "node_modules/a/index.js",
      "big/file.bin",
      "secret.key",
    ])
      write(`app/${left}`, "no");
    write("app/.skiffignore", "# not needed\nbig/\n*.key\n");
    const first = await cli.json(["deploy", "app", "--name", "folder"]);
    assert.equal(await cli.output(["call", "folder"]), "x noted");
    assert.equal((await cli.json(["deploy", "app", "--name", "folder"])).unchanged, true);
    const source = await fetch(`${skiff.url}/func/folder/source?version=${first.version}`);
    const { gunzipSync } = await import("node:zlib");
    const names =
      gunzipSync(await source.bytes())
        .toString("latin1")
        .match(/^[\w./]+(?=\0)/gm) ?? [];
    assert.ok(!names.some((name) => /env|node_modules|big|key|circle/.test(name)), names.join(" "));
  });

  it("shows a build error with the path and the line of the file here", async () => {
    write("broken.ts", "export default () => {\n  const a b = 1;\n};\n");
    const { code, stdout, stderr } = await cli.run(["deploy", "broken.ts"]);
    assert.deepEqual([code, stdout], [3, ""]);
    assert.equal(
      stderr,
      'error: broken.ts:2:11: Expected ";" but found "b"\n  2 |   const a b = 1;\n    |           ^\n',
    );
    const json = await cli.run(["deploy", "broken.ts", "--json"]);
    assert.equal(json.code, 3);
    const document = JSON.parse(json.stderr) as { code: string; errors: { file: string }[] };
    assert.deepEqual([document.code, document.errors[0]!.file], ["build_failed", "broken.ts"]);
  });

  it("gives settings and variables, from arguments, the environment and a file", async () => {
    const options = ["--memory", "256Mi", "--set", "net=none", "--env", "GREETING=a+b &c", "-e", "OTHER"];
    await cli.output(["deploy", "hello.ts", ...options], { env: { OTHER: "from here" } });
    assert.equal(await cli.output(["call", "hello"]), '{"hello":"a+b &c"}');
    const { settings } = await cli.json<{ settings: Record<string, unknown> }>(["describe", "hello"]);
    assert.deepEqual(settings.memoryMiB, 256);
    write("variables", 'LEVEL=2\nTEXT="a b"\n');
    assert.match(
      await cli.output(["env", "set", "hello", "GREETING=hi", "--file", "variables"]),
      /is now version 3/,
    );
    assert.equal(await cli.output(["env", "hello"]), "GREETING\nLEVEL\nOTHER\nTEXT\n");
    await cli.output(["env", "unset", "hello", "OTHER", "LEVEL"]);
    assert.deepEqual(await cli.json(["env", "list", "hello"]), { env: ["GREETING", "TEXT"] });
    assert.equal(await cli.output(["call", "hello"]), '{"hello":"hi"}');
  });

  it("lists and describes functions, and prints their logs", async () => {
    const list = await cli.output(["list"]);
    assert.match(list, /^NAME +VERSION +READY +UPDATED +URL\n/);
    assert.match(list, new RegExp(`^hello +\\d+ +\\d +\\d+[sm] ago +${skiff.url}/fn/hello$`, "m"));
    const described = await cli.output(["describe", "hello"]);
    assert.match(described, /^state: +can be called: /m);
    assert.match(described, /^ {2}env +GREETING=\*\*\* TEXT=\*\*\*$/m);
    assert.match(await cli.output(["logs", "hello"]), /^\S+ v1 \S+ stdout info \S+ called$/m);
    assert.ok(!`${list}${described}`.includes("\x1b"));
  });

  it("follows a log", async () => {
    const following = processes.start(["logs", "echo", "-f"]);
    write("echo.ts", `export default () => { console.log("new line"); return 1; };\n`);
    await cli.output(["deploy", "echo.ts"]);
    await cli.output(["call", "echo"]);
    await following.printed(/ stdout info \S+ new line/);
    following.signal("SIGINT");
    await following.ended();
  });

  it("words errors as the API does and ends with a code for their kind", async () => {
    const unknown = await cli.run(["describe", "helo"]);
    assert.equal(unknown.code, 4);
    assert.match(unknown.stderr, /^error: There is no function "helo": .* Did you mean "hello"\?\n$/);
    assert.equal((await cli.run(["call", "nothing"])).code, 4);
    const setting = await cli.run(["deploy", "hello.ts", "--set", "memry=1"]);
    assert.equal(setting.code, 3);
    assert.match(setting.stderr, /^error: Unknown setting "memry"/);
    const file = await cli.run(["deploy", "absent.ts"]);
    assert.equal(file.code, 2);
    assert.match(file.stderr, /^error: .*absent\.ts does not exist/);
    const away = await cli.run(["list"], { env: { SKIFF_URL: "http://127.0.0.1:1" } });
    assert.equal(away.code, 6);
    assert.match(
      away.stderr,
      /^error: No Skiff answers at http:\/\/127\.0\.0\.1:1: nothing listens there\.\nStart one/,
    );
    write("failing.ts", `export default () => new Response("no", { status: 418 });\n`);
    await cli.output(["deploy", "failing.ts"]);
    assert.deepEqual(await cli.run(["call", "failing"]), { code: 3, stdout: "no", stderr: "" });
    write("throwing.ts", `export default () => {\n  throw new Error("thrown");\n};\n`);
    await cli.output(["deploy", "throwing.ts"]);
    const thrown = await cli.run(["call", "throwing/path"]);
    assert.equal(thrown.code, 6);
    const [, hint, id] = /^error: .*\n(skiff logs throwing --call (\S+)) shows what it printed\.\n$/.exec(
      thrown.stderr,
    )!;
    await eventually("the log has the call", async () => {
      return (await cli.output(hint!.split(" ").slice(1))).includes("thrown");
    });
    await eventually("describe has the call", async () => {
      return new RegExp(`^ {2}v1 +\\d+[sm] ago +${id} +GET /fn/throwing/path 500`, "m").test(
        await cli.output(["describe", "throwing"]),
      );
    });
  });

  it("suggests the command and the option that were meant", async () => {
    const command = await cli.run(["depoy", "hello.ts"]);
    assert.equal(command.code, 2);
    assert.match(command.stderr, /unknown command 'depoy'\n\(Did you mean deploy\?\)/);
    const option = await cli.run(["deploy", "hello.ts", "--memry", "1"]);
    assert.equal(option.code, 2);
    assert.match(option.stderr, /unknown option '--memry'\n\(Did you mean --memory\?\)/);
  });

  it("removes functions", async () => {
    await cli.output(["delete", "hello", "echo"]);
    assert.doesNotMatch(await cli.output(["list"]), /^(hello|echo) /m);
    assert.equal((await cli.run(["delete", "hello"])).code, 4);
  });
});
