import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CommandLine, PROGRAM } from "../support/skiff/command-line.ts";
import { runDocument } from "../support/skiff/documented-commands.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";
import { whyNoWall } from "../support/skiff/walls.ts";

describe("the commands of docs/cli.md", function () {
  this.timeout(240_000);
  let skiff: StartedSkiff;
  let cli: CommandLine;
  before(async () => {
    cli = new CommandLine();
    const isolation: Record<string, string> =
      whyNoWall("bwrap") === undefined ? {} : { SKIFF_ISOLATION: "none" };
    const env = { ...isolation, SKIFF_SECRETS_KEY_FILE: join(cli.folder, "secrets.key") };
    skiff = await startedSkiff({ env });
    writeFileSync(join(cli.folder, "skiff"), `#!/bin/sh\nexec "${process.execPath}" "${PROGRAM}" "$@"\n`);
    chmodSync(join(cli.folder, "skiff"), 0o755);
  });
  after(async () => {
    await cli.close();
    await skiff.close();
  });

  it("work in their order", async () => {
    const env = {
      HOME: cli.folder,
      XDG_CONFIG_HOME: "",
      SKIFF_URL: skiff.url,
      SKIFF_KEY: "",
      PATH: `${cli.folder}:${process.env.PATH}`,
    };
    const { outputOf } = await runDocument("docs/cli.md", { url: skiff.url, folder: cli.folder, env });
    assert.match(
      outputOf("skiff deploy greeter"),
      /\{"hello":"Ada","version":1\}.*stdout info \S+ greeting Ada$/ms,
    );
    assert.match(outputOf("skiff init shout"), /^A TEXT.*^runtime: +program, command \.\/main\.sh$/ms);
    assert.match(outputOf("skiff deploy hello.ts --memory"), /^Hi, worldhello is now version 2\./m);
    assert.match(outputOf("skiff context add"), /^\* +here /m);
    assert.match(outputOf("skiff async"), /Cancelled [0-9a-f]{32}\.$/m);
    assert.match(outputOf("skiff subscribe"), /^hello-greetings +greetings +hello /m);
    assert.match(outputOf("skiff schedule add"), /^nightly .* Europe\/Berlin +hello /m);
    assert.match(outputOf("skiff rollback"), /^version 3: +10 %$.*^All calls of hello go to version 2\.$/ms);
    assert.match(outputOf("skiff apply all --yes"), /^= unchanged hello$/m);
    const { functions } = JSON.parse(outputOf("skiff list --json")) as { functions: unknown[] };
    assert.equal(functions.length, 2);
  });
});
