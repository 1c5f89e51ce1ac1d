import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { Registry } from "../platform/local/engine/registry.ts";
import { BOX, sharedEngine, type TestEngine } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

type Answer = { readonly status: number; readonly body: Record<string, unknown> };

describe("an image on standard input and output", function () {
  this.timeout(60_000);
  let test: TestEngine;
  let skiff: StartedSkiff;

  before(async function () {
    test = await sharedEngine(this);
    skiff = await startedSkiff({ env: { SKIFF_ENGINE: test.socket, SKIFF_PULL_TIMEOUT: "1s" } });
  });
  after(() => skiff?.close());

  async function deploy(name: string, query: Record<string, string>): Promise<Answer> {
    const search = new URLSearchParams({ name, image: BOX, stdio: "1", net: "none", ...query });
    return await parsed(await fetch(`${skiff.url}/func?${search}`, { method: "POST" }));
  }

  async function deployed(name: string, query: Record<string, string>): Promise<void> {
    const { status, body } = await deploy(name, query);
    assert.equal(status, 201, JSON.stringify(body) + skiff.lines.slice(-5).join("\n"));
  }

  async function parsed(answer: Response): Promise<Answer> {
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }

  it("answers a call with the output of its command, with the environment of image and function", async () => {
    const command = "sh -c 'cat; echo to the log >&2; echo $PATH $HOME $GREETING $REQUEST_METHOD; id -u'";
    await deployed("cat", { command, env: "GREETING=hello" });
    const answer = await fetch(`${skiff.url}/fn/cat`, { method: "POST", body: "body\n" });
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), "body\n/bin /tmp hello POST\n0\n");
    await eventually("its errors are in the log", async () => {
      const log = await (await fetch(`${skiff.url}/func/cat/logs`)).text();
      return log.includes("to the log");
    });
    const described = await parsed(await fetch(`${skiff.url}/func/cat`));
    assert.match(JSON.stringify(described.body), /"runtime":"image"/);
    const again = await deploy("cat", { command, env: "GREETING=hello" });
    assert.equal(again.body.unchanged, true, JSON.stringify(again.body));
  });

  it("runs the command of the image without one of its own", async () => {
    test.podman("tag", BOX, "localhost/own:1");
    test.import(`${test.folder}/box`, "localhost/own:2", [
      'ENTRYPOINT ["/bin/echo","entry"]',
      'CMD ["and","command"]',
      "ENV PATH=/bin",
    ]);
    await deployed("own", { image: "localhost/own:2" });
    assert.equal(await (await fetch(`${skiff.url}/fn/own`)).text(), "entry and command\n");
  });

  describe("that does not answer says why:", () => {
    it("it cannot be pulled", async () => {
      const missing = await deploy("missing", { image: "localhost/none:1" });
      assert.deepEqual([missing.status, missing.body.code], [422, "image_unavailable"]);
      assert.equal(missing.body.reason, "not_found");
      const hanging = await Registry.start();
      hanging.isHanging = true;
      try {
        const late = await deploy("missing", { image: `${hanging.name}/slow:1` });
        assert.deepEqual(
          [late.status, late.body.code, late.body.reason],
          [422, "image_unavailable", "timeout"],
        );
      } finally {
        hanging.close();
      }
    });

    it("its command does not exist", async () => {
      const { status, body } = await deploy("typo", { command: "no-such-command" });
      assert.deepEqual([status, body.code], [422, "command_not_found"], JSON.stringify(body));
      assert.match(String(body.detail), /no program "no-such-command" in a folder of its PATH \(\/bin\)/);
      const folder = await deploy("typo", { command: "/etc" });
      assert.equal(folder.body.code, "command_not_found");
    });

    it("its memory ran out", async () => {
      await deployed("hungry", {
        command: `sh -c 'x=0123456789; while true; do x=$x$x; done'`,
        memory: "64",
      });
      const { status, body } = await parsed(await fetch(`${skiff.url}/fn/hungry`));
      assert.deepEqual([status, body.code], [500, "out_of_memory"], JSON.stringify(body));
      assert.match(String(body.detail), /raise the setting memoryMiB/);
    });

    it("it exited with 137 itself", async () => {
      await deployed("own-exit", { command: "sh -c 'echo last words >&2; exit 137'" });
      const { status, body } = await parsed(await fetch(`${skiff.url}/fn/own-exit`));
      assert.deepEqual(
        [status, body.code, body.exitCode],
        [500, "program_failed", 137],
        JSON.stringify(body),
      );
      assert.deepEqual(body.log, ["last words"]);
    });

    it("it took too long, and nothing of it is left", async () => {
      const command = "sh -c 'trap : TERM; (setsid sleep 1234 &); sleep 1234 & wait; sleep 1234'";
      await deployed("slow", { command, timeout: "500ms" });
      const { status, body } = await parsed(await fetch(`${skiff.url}/fn/slow`));
      assert.deepEqual([status, body.code], [504, "call_timeout"], JSON.stringify(body));
      await eventually("no process is left", () => !hasProcess("sleep 1234"));
    });
  });

  it("has an instance for each call with isolation=call, and nothing of a call is left for the next", async () => {
    const command = `sh -c 'cat /tmp/trace 2>/dev/null || echo none; echo seen > /tmp/trace; pidof sleep | wc -w; sleep 4321 &'`;
    await deployed("once", { command, isolation: "call", pool: "1" });
    for (let call = 0; call < 3; call++) {
      assert.equal(await (await fetch(`${skiff.url}/fn/once`)).text(), "none\n0\n");
    }
    await fetch(`${skiff.url}/func/once`, { method: "DELETE" });
    await eventually("no process is left", () => !hasProcess("sleep 4321"));
  });

  it("leaves no container when it is removed", async () => {
    const before = await test.engine.list({ "dev.skiff.kind": "instance" });
    assert.ok(before.length > 0);
    const { body } = await parsed(await fetch(`${skiff.url}/func`));
    for (const { name } of body.functions as { name: string }[]) {
      await fetch(`${skiff.url}/func/${name}`, { method: "DELETE" });
    }
    const left = () => test.engine.list({ "dev.skiff.kind": "instance" });
    await eventually("no container is left", async () => (await left()).length === 0);
  });
});

/** Whether a process of this machine has a command line. */
function hasProcess(commandLine: string): boolean {
  const { status } = spawnSync("pgrep", ["-f", "-x", commandLine]);
  return status === 0;
}
