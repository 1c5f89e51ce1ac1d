import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { CommandOrder } from "../../../../platform/images/commands.ts";
import { Problem } from "../../../../platform/problems.ts";
import { TemporaryLocalPlatform } from "../../../support/platform/temporary-local-platform.ts";
import { needsWall } from "../../../support/skiff/walls.ts";
import { runsCommands } from "../../commands/conformance.ts";

describe("commands of this machine, in the sandbox for programs", () => {
  runsCommands(
    async (test) => {
      needsWall(test, "bwrap");
      const local = await TemporaryLocalPlatform.open();
      const folders = join(local.dataFolder, "instances");
      // Sandboxes that wait have no record of a process.
      const left = async () => readdirSync(folders).filter((id) => existsSync(join(folders, id, "pid")));
      return { commands: local.platform.commands, image: "host", left, close: () => local.close() };
    },
    {
      ...{ separatesErrors: true, limitsMemory: true, pullsImages: false, endsTrees: true },
      ...{ many: 10, slowMs: 3_000 },
    },
  );
});

describe("the sandbox of commands", () => {
  let local: TemporaryLocalPlatform;
  before(async function () {
    needsWall(this, "bwrap");
    local = await TemporaryLocalPlatform.open({ limits: { processes: 20, scratchBytes: 1024 ** 2 } });
  });
  after(() => local?.close());

  const run = async (script: string, more: Partial<CommandOrder> = {}) => {
    const order = { image: "host", command: ["sh", "-c", script], env: {}, memoryMiB: 64, timeoutMs: 10_000 };
    const { commands } = local.platform;
    const running = await commands.run({ id: randomUUID(), ...order, ...more }, new AbortController().signal);
    const [output, errors] = await Promise.all([text(running.output), text(running.errors!)]);
    return { output, errors, ...(await running.ended) };
  };

  it("has nothing of Skiff's data, no home, no network and no other process", async () => {
    const { dataFolder } = local;
    const script = `ls -a ${dataFolder} /root /home/*; cat /proc/net/dev | grep -vc 'lo:\\||'; ls -d /proc/[0-9]* | wc -l; id -u`;
    const { output, errors } = await run(script);
    assert.match(errors, /No such file/);
    const [interfaces, processes, user] = output.trim().split("\n");
    assert.equal(interfaces, "0");
    assert.ok(Number(processes) < 8, output);
    assert.notEqual(user, "0");
  });

  it("cannot be written to but for its scratch, which is bounded", async () => {
    const { output, errors } = await run(
      "echo x > /usr/x; echo x > /etc/x; head -c 2000000 /dev/zero > big; wc -c < big",
    );
    assert.match(errors, /\/usr\/x.*\n.*\/etc\/x.*/);
    assert.ok(Number(output) <= 1024 ** 2, output);
  });

  it("bounds its processes", async () => {
    const { errors } = await run("for i in $(seq 60); do sleep 5 & done; true");
    assert.match(errors, /fork/i);
    assert.equal((await run("echo fine")).output, "fine\n");
  });

  it("shows nothing of one command to the next", async () => {
    await run("echo secret > ./left; echo secret > /tmp/left");
    const { output } = await run("ls -A . /tmp /dev/shm");
    assert.doesNotMatch(output, /left/);
  });

  it("refuses variables that its shell would not pass on, and a command without a program", async () => {
    for (const order of [{ env: { UID: "0" } }, { command: [] }]) {
      await assert.rejects(run("true", order), (error) => {
        assert.ok(error instanceof Problem);
        return error.code === "invalid_request";
      });
    }
  });

  it("answers the same for every file outside, and no folder is a program", async () => {
    const { dataFolder } = local;
    const outside = join(dataFolder, "outside");
    writeFileSync(outside, "#!/bin/sh\n", { mode: 0o755 });
    const elsewhere = [outside, `${outside}-missing`, "./bin/skiff.js", "bin/skiff.js"];
    for (const program of [...elsewhere, "/usr/bin/no-such-program", "/usr/bin", "/usr/../usr/bin"])
      await assert.rejects(run("", { command: [program] }), (error) => {
        assert.ok(error instanceof Problem);
        assert.ok(error.detail.startsWith(`The sandbox of this machine has no program "${program}": `));
        return error.code === "command_not_found";
      });
    assert.match((await run("", { command: ["/skiff/node", "--version"] })).output, /^v\d/);
  });

  it("is not there for other images", async () => {
    await assert.rejects(run("true", { image: "alpine" }), (error) => {
      assert.ok(error instanceof Problem);
      assert.match(error.detail, /image=host/);
      return error.code === "no_engine";
    });
  });
});
