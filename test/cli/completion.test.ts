import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { notTried } from "../support/not-tried.ts";
import type { CommandInProcess } from "../support/skiff/command-in-process.ts";
import { CommandLine, PROGRAM } from "../support/skiff/command-line.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

describe("skiff completion", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  let processes: CommandLine;
  let cli: CommandInProcess;
  before(async () => {
    skiff = await startedSkiff();
    processes = new CommandLine({ SKIFF_URL: skiff.url });
    cli = processes.inProcess;
    await skiff.deploy("hello", "export default () => 1;\n");
    await skiff.deploy("help-desk", "export default () => 1;\n");
    writeFileSync(join(cli.folder, "skiff"), `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`);
    chmodSync(join(cli.folder, "skiff"), 0o755);
  });
  after(async () => {
    await processes.close();
    await skiff.close();
  });

  const complete = async (...words: string[]) => {
    const lines = (await cli.output(["__complete", "--", ...words]))
      .split("\n")
      .filter((line) => line !== "");
    return lines.map((line) => line.split("\t")[0]!);
  };

  it("offers commands, options of a command and of all, names of functions, and choices", async () => {
    assert.deepEqual(await complete("de"), ["deploy", "describe", "delete", "dev"]);
    assert.deepEqual(await complete("deploy", "--me"), ["--message", "--memory"]);
    assert.deepEqual(await complete("describe", "--js"), ["--json"]);
    assert.deepEqual(await complete("describe", "hel"), ["hello", "help-desk"]);
    assert.deepEqual(await complete("--url", "http://127.0.0.1:1", "logs", "-n", "5", "hell"), ["hello"]);
    assert.deepEqual(await complete("delete", "hello", "help"), ["help-desk"]);
    assert.deepEqual(await complete("env", "set", "hello", ""), []);
    assert.deepEqual(await complete("env", "h"), ["hello", "help-desk"]);
    assert.deepEqual(await complete("completion", ""), ["bash", "zsh", "fish"]);
    assert.ok(!(await complete("")).includes("__complete"));
  });

  it("offers no names where no Skiff answers, and prints nothing else", async () => {
    const { code, stdout, stderr } = await cli.run(["__complete", "--", "describe", ""], {
      env: { SKIFF_URL: "http://127.0.0.1:1" },
    });
    assert.deepEqual([code, stdout, stderr], [0, "", ""]);
  });

  const shells: Readonly<Record<string, (line: string) => string>> = {
    bash: (line) => `source <(skiff completion bash)
      COMP_WORDS=(${line} "hel"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _skiff; printf '%s\\n' "\${COMPREPLY[@]}"`,
    fish: (line) => `skiff completion fish | source; complete -C "${line} hel" | string split -f 1 \\t; true`,
    zsh: (line) => `autoload -U compinit; compinit -u; source <(skiff completion zsh)
      _describe() { print -l -- "\${(@)\${(@P)2}%%:*}" }
      words=(${line} hel); CURRENT=$#words; _skiff`,
  };
  for (const [shell, script] of Object.entries(shells)) {
    it(`works in ${shell}`, async function () {
      if (spawnSync(shell, ["--version"]).error) return notTried(this, `there is no ${shell}`);
      const { stdout, stderr } = await promisify(execFile)(shell, ["-c", script("skiff describe")], {
        cwd: cli.folder,
        env: {
          ...process.env,
          HOME: cli.folder,
          SKIFF_URL: skiff.url,
          PATH: `${cli.folder}:${process.env.PATH}`,
        },
      });
      assert.equal(stdout, "hello\nhelp-desk\n", stderr);
    });
  }
});
