import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { PROGRAM_KINDS } from "../../cli/init/program-files.ts";
import { patchOf } from "../../manager/deploys/skiff-yaml.ts";
import { limitsFromEnv } from "../../platform/limits.ts";
import { applySettings, defaultSettings } from "../../platform/settings/settings.ts";
import { denoPath } from "../../runtimes/deno/deno-binary.ts";
import type { CommandInProcess } from "../support/skiff/command-in-process.ts";
import { CommandLine } from "../support/skiff/command-line.ts";
import { startedSkiff } from "../support/skiff/started-skiff.ts";

describe("skiff init", function () {
  this.timeout(60_000);
  let processes: CommandLine;
  let cli: CommandInProcess;
  before(() => {
    processes = new CommandLine();
    cli = processes.inProcess;
  });
  after(() => processes.close());

  it("makes a function that can be deployed, with settings of its own", async () => {
    const skiff = await startedSkiff();
    try {
      assert.match(await cli.output(["init", "greeter"]), /^created greeter\/main\.ts\n/);
      const env = { SKIFF_URL: skiff.url };
      await cli.output(["init", "sh", "--runtime", "shell"]);
      // The file alone has not the settings beside it.
      const { stderr } = await cli.run(["deploy", "sh/main.sh"], { env });
      assert.match(
        stderr,
        /^error: The body begins with .*: deploy it as a program, with --runtime program\./,
      );
      await cli.output(["deploy", "greeter"], { env });
      assert.equal(await cli.output(["call", "greeter?name=Ada"], { env }), '{"hello":"Ada","version":1}');
      const { settings } = await cli.json<{ settings: { timeoutMs: number } }>(["describe", "greeter"], {
        env,
      });
      assert.equal(settings.timeoutMs, 30_000);
    } finally {
      await skiff.close();
    }
  });

  it("makes a test that passes, with types that are right", () => {
    const folder = join(cli.folder, "greeter");
    const { status, stderr, stdout } = spawnSync(denoPath(), ["test", "--check"], {
      cwd: folder,
      env: { ...process.env, HOME: cli.folder, NO_COLOR: "1" },
      encoding: "utf8",
    });
    assert.equal(status, 0, stdout + stderr);
  });

  it("gives the types that the runtime has", () => {
    const body = (text: string) => /export interface Context \{[\s\S]*?\n\}/.exec(text)![0];
    const runtime = readFileSync(new URL("../../client-image/forms/context.ts", import.meta.url), "utf8");
    assert.equal(body(readFileSync(join(cli.folder, "greeter/context.ts"), "utf8")), body(runtime));
  });

  for (const kind of PROGRAM_KINDS) {
    it(`makes the settings of the kind ${kind}, which Skiff takes`, async () => {
      await cli.output(["init", `a-${kind}`, "--runtime", kind]);
      const text = readFileSync(join(cli.folder, `a-${kind}/skiff.yaml`), "utf8");
      const { functions, ...one } = load(text) as Record<string, Record<string, Record<string, unknown>>>;
      const { image, ...declared } = functions?.[`a-${kind}`] ?? one;
      assert.equal(typeof image, kind === "image" ? "string" : "undefined");
      const limits = limitsFromEnv({});
      const all = kind === "image" ? { runtime: "image", ...declared } : declared;
      const { runtime, program } = applySettings(defaultSettings(limits), patchOf(all), limits);
      assert.equal(runtime, kind === "image" ? "image" : "program");
      assert.ok(program.command ?? program.handler);
    });
  }

  it("makes an image, which a deploy of the folder refuses with the command that takes it", async () => {
    await cli.output(["init", "web", "--runtime", "image"]);
    const { code, stderr } = await cli.run(["deploy", "web"]);
    assert.equal(code, 2);
    assert.match(stderr, /^error: web\/skiff\.yaml names an image: deploy it with "skiff apply web"/);
  });

  it("makes a shell program that reads its input", async () => {
    const options = { input: "abc\n", env: { ...process.env, REQUEST_METHOD: "GET" } } as const;
    const { stdout, status } = spawnSync(join(cli.folder, "a-shell/main.sh"), options);
    assert.deepEqual([stdout.toString(), status], ["ABC\n", 0]);
  });

  it("overwrites nothing", async () => {
    const { code, stderr } = await cli.run(["init", "greeter"]);
    assert.equal(code, 2);
    assert.match(stderr, /^error: greeter has main\.ts, .* already: choose another folder\.\n$/);
  });
});
