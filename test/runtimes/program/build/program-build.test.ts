import assert from "node:assert/strict";
import { launchOf } from "../../../../client-image/project/project-pack.ts";
import type { Artifact, Source } from "../../../../platform/platform.ts";
import { chooseBuilder } from "../../../../runtimes/choose-builder.ts";
import { imageSource } from "../../../../runtimes/image/image-artifact.ts";
import { isInstalledHere } from "../../../../runtimes/program/build/installed.ts";
import type { Builder, BuildOptions } from "../../../../runtimes/runtime.ts";
import { filesOf, problemOf, startBuilder, type TestBuilder, tarOf } from "../../deno/build/building.ts";

const SHELL = "#!/bin/sh\ncat\n";
const PROGRAM = { start: { runtime: "program" } } as const;

describe("a build of a program", () => {
  let test: TestBuilder;
  let builder: Builder;
  before(async () => {
    test = await startBuilder();
    builder = chooseBuilder({ posted: test.builder, isInstalled: isInstalledHere });
  });
  after(() => test.close());

  const recognize = (body: string | Uint8Array, runtime?: "program"): Source =>
    builder.recognize(Buffer.from(body), { runtime });
  const build = async (body: string | Uint8Array, options: BuildOptions = PROGRAM): Promise<Artifact> =>
    (await builder.build(recognize(body, "program"), options)).artifact;

  it("packs a script, its bytes unchanged", async () => {
    const script = Buffer.concat([Buffer.from(SHELL), Buffer.from([0, 0xff])]);
    const source = recognize(script, "program");
    assert.equal(source.type, "application/octet-stream");
    const { kind, code } = (await builder.build(source, PROGRAM)).artifact;
    assert.equal(kind, "project");
    assert.deepEqual(launchOf(code)?.program, { command: ["./main"], executables: ["main"] });
    assert.deepEqual(Buffer.from(filesOf(code).get("main")!), script);
  });

  it("packs an archive by its own skiff.yaml, which no program sees", async () => {
    const tar = await tarOf([
      { name: "app/skiff.yaml", text: "runtime: program\ncommand: ./bin/run --fast\n" },
      { name: "app/bin/run", text: SHELL },
      { name: "app/bin/tool", text: "x", mode: 0o755 },
      { name: "app/bin/link", type: "symlink", linkname: "tool" },
      { name: "app/data.txt", text: "x", mode: 0o644 },
    ]);
    const { artifact, settings } = await builder.build(recognize(tar));
    assert.deepEqual(settings, { runtime: "program", command: "./bin/run --fast" });
    const { command, executables } = launchOf(artifact.code)!.program!;
    assert.deepEqual(command, ["./bin/run", "--fast"]);
    assert.deepEqual([...executables].sort(), ["bin/link", "bin/run", "bin/tool"]);
    assert.deepEqual([...filesOf(artifact.code).keys()].sort(), [
      "bin/link",
      "bin/run",
      "bin/tool",
      "data.txt",
    ]);
  });

  it("needs what runs it to be installed", async () => {
    const missing = await problemOf(build("#!/usr/bin/env python9\n"), "runtime_missing");
    assert.match(
      missing.detail,
      /main needs python9, which is not in \/usr\/local\/bin, .*apt install python9/,
    );
    const hidden = await problemOf(build("#!/home/me/ruby\n"), "runtime_missing");
    assert.match(hidden.detail, /\/home\/me\/ruby.*#!\/usr\/bin\/env ruby/);
    assert.match(hidden.detail, /programs see those below \/usr, \/bin/);
    assert.doesNotMatch(hidden.detail, /apt install/, "no package brings it");
    await build("#!/usr/bin/env node\nprocess.stdin.pipe(process.stdout);\n");
  });

  it("asks for the runtime of a program that is posted without one", async () => {
    const posted = async (body: string | Uint8Array) => recognize(body);
    const script = await problemOf(posted(SHELL), "invalid_source");
    assert.match(script.detail, /begins with "#!\/bin\/sh": .*runtime=program/);
    const binary = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);
    assert.match((await problemOf(posted(binary), "invalid_source")).detail, /ELF.*runtime=program/);
    assert.equal(recognize("#!/usr/bin/env -S deno run\nexport default 1;").type, "text/typescript");
  });

  it("packs a handler with what serves it, under the name that the handler gives it", async () => {
    const order = (handler: string) => ({ start: { runtime: "program", handler } }) as const;
    const python = await build("def hello(event, context):\n    return 1\n", order("greet.hello"));
    const adapter = "./.skiff/adapter.py";
    assert.deepEqual(launchOf(python.code)?.program?.command, ["python3", adapter, "./greet.py", "hello"]);
    assert.deepEqual([...filesOf(python.code).keys()].sort(), [".skiff/adapter.py", "greet.py"]);
    const node = await build("module.exports = { hello: () => 1 };\n", order("src/greet.hello"));
    assert.deepEqual(launchOf(node.code)?.program?.command, [
      ...["node", "./.skiff/adapter.mjs", "./src/greet.js", "hello"],
    ]);
    const tar = await tarOf({
      "skiff.yaml": "runtime: program\nhandler: lib/app.run\n",
      ...{ "lib/app.py": "def run(event, context): pass\n", "lib/other.py": "" },
    });
    const { code } = (await builder.build(recognize(tar))).artifact;
    assert.equal(launchOf(code)?.program?.command[2], "./lib/app.py");
    const shell = await problemOf(build(SHELL, order("a.b")), "invalid_setting");
    assert.match(shell.detail, /^handler: it has to be JavaScript or Python, .* names \/bin\/sh\.$/);
    const missing = await problemOf(build(tar, order("app.run")), "invalid_setting");
    assert.match(missing.detail, /none of app\.js, app\.mjs, app\.cjs, app\.py/);
  });

  it("refuses a source of the other kind", async () => {
    const digest = `sha256:${"0".repeat(64)}`;
    const image = imageSource({ image: "localhost:5000/nginx:1.27", digest });
    const { artifact } = await builder.build(image, { start: { runtime: "image" } });
    assert.equal(launchOf(artifact.code)?.image?.reference, `localhost:5000/nginx@${digest}`);
    await problemOf(builder.build(image, PROGRAM), "invalid_setting");
    await problemOf(build(SHELL, { start: { runtime: "image" } }), "invalid_setting");
    const tar = await tarOf({ "skiff.yaml": "runtime: image\n", main: SHELL });
    assert.match((await problemOf(builder.build(recognize(tar)), "invalid_setting")).detail, /image=/);
  });
});
