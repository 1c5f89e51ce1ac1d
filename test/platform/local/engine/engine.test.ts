import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { buffer, text } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import type { ContainerSpec } from "../../../../platform/local/engine/container.ts";
import { Engine } from "../../../../platform/local/engine/engine.ts";
import { EngineError, EngineGone, isMissingCommand } from "../../../../platform/local/engine/engine-error.ts";
import { BOX, sharedEngine, type TestEngine } from "../../../support/engine.ts";

const UNTIL_MS = 20_000;

describe("a container engine", function () {
  this.timeout(60_000);
  let test: TestEngine;
  let engine: Engine;
  const owner = randomBytes(6).toString("hex");

  before(async function () {
    test = await sharedEngine(this);
    engine = test.engine;
  });

  after(async () => {
    if (test === undefined) return;
    for (const { id } of await engine.list({ "dev.skiff.owner": owner })) await engine.remove(id);
  });

  function specOf(command: readonly string[], more: Partial<ContainerSpec> = {}): ContainerSpec {
    return {
      image: BOX,
      command,
      env: {},
      labels: { "dev.skiff.owner": owner },
      memoryMiB: 64,
      processes: 64,
      scratchBytes: 1024 ** 2,
      ...more,
    };
  }

  async function run(command: readonly string[], more: Partial<ContainerSpec> = {}, input = "") {
    const id = await engine.create(specOf(command, more));
    try {
      const attached = await engine.attach(id);
      const streams = Promise.all([text(attached.output), text(attached.errors)]);
      await engine.start(id);
      attached.input.end(input);
      const [output, errors] = await streams;
      const state = await engine.ended(id, { signal: AbortSignal.timeout(UNTIL_MS), soon: true });
      return { output, errors, ...state! };
    } finally {
      await engine.remove(id);
    }
  }

  it("says what it is", async () => {
    const { name, version } = await engine.info();
    assert.equal(name, "podman");
    assert.match(version, /^\d+\.\d+/);
  });

  it("runs a command with its input and keeps its two outputs apart", async () => {
    const end = await run(["sh", "-c", "cat; echo to errors >&2; exit 3"], {}, "a line\n");
    assert.equal(end.output, "a line\n");
    assert.equal(end.errors, "to errors\n");
    assert.equal(end.exitCode, 3);
    assert.equal(end.running, false);
    assert.equal(end.isOutOfMemory, false);
    assert.ok(end.finishedAt >= end.startedAt || Math.abs(+end.finishedAt - +end.startedAt) < 100);
  });

  it("passes on variables as they are", async () => {
    const odd = { A: "x y'\"$(id)", "B.C-D": "=", LINES: "one\ntwo", EMPTY: "" };
    const { output } = await run(["env"], { env: odd });
    for (const [name, value] of Object.entries(odd)) assert.ok(output.includes(`${name}=${value}\n`), output);
  });

  it("loses no output of commands that end before their input is given", async () => {
    for (let n = 0; n < 25; n++) {
      const id = await engine.create(specOf(["echo", "whole"]));
      const { input, output, errors } = await engine.attach(id);
      const streams = Promise.all([text(output), text(errors)]);
      await engine.start(id);
      input.end("nobody reads it");
      assert.deepEqual(await streams, ["whole\n", ""]);
      await engine.remove(id);
    }
  });

  it("passes on 10 MiB of output whole to a slow reader, and holds the container back", async () => {
    const id = await engine.create(
      specOf(["sh", "-c", "yes 0123456789abcde | head -c 10485760; echo done >&2"]),
    );
    const { output, errors, input } = await engine.attach(id);
    let isDone = false;
    errors.on("data", () => {
      isDone = true;
    });
    await engine.start(id);
    input.end();
    await setTimeout(300);
    assert.equal(isDone, false, "nobody read the output, so the command cannot have written all of it");
    const bytes = await buffer(output);
    assert.equal(bytes.length, 10 * 1024 ** 2);
    assert.ok(bytes.equals(Buffer.from("0123456789abcde\n".repeat(655_360))));
    await engine.remove(id);
  });

  it("refuses the container what it can: network, root file system, capabilities, new privileges", async () => {
    const script =
      "ls /sys/class/net; echo x > /x; grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status; echo y > /tmp/y && cat /tmp/y; head -c 2097152 /dev/zero > /tmp/z || echo full";
    const { output, errors } = await run(["sh", "-c", script]);
    assert.match(output, /^lo\n/);
    assert.match(errors, /can't create \/x: Read-only file system/);
    assert.match(output, /CapEff:\t0+\n/);
    assert.match(output, /CapBnd:\t0+\n/);
    assert.match(output, /NoNewPrivs:\t1\n/);
    assert.match(output, /\ny\n/);
    assert.match(output, /full\n/);
  });

  it("limits processes", async () => {
    const { errors } = await run(["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; wait"], {
      processes: 4,
    });
    assert.match(errors, /can't fork|Resource temporarily unavailable/);
  });

  it("tells a missing command, memory that ran out and an own exit with 137 apart", async () => {
    await assert.rejects(run(["no-such-command"]), (error) => isMissingCommand(error));
    await assert.rejects(run(["/etc"]), (error) => isMissingCommand(error));
    const own = await run(["sh", "-c", "exit 137"]);
    assert.deepEqual([own.exitCode, own.isOutOfMemory], [137, false]);
    const hungry = await run(["sh", "-c", "x=0123456789; while true; do x=$x$x; done"], { memoryMiB: 16 });
    assert.deepEqual([hungry.exitCode, hungry.isOutOfMemory], [137, true]);
  });

  it("kills, tells the end of what has no output, and removes what runs", async () => {
    const id = await engine.create(specOf(["sleep", "100"]));
    await engine.start(id);
    const running = await engine.inspect(id);
    assert.equal(running?.running, true);
    assert.ok(running!.pid > 0);
    const ended = engine.ended(id, { signal: AbortSignal.timeout(UNTIL_MS) });
    await engine.kill(id);
    assert.equal((await ended)?.exitCode, 137);
    await engine.kill(id);
    await engine.remove(id);
    await engine.remove(id);
    assert.equal(await engine.inspect(id), undefined);

    const other = await engine.create(specOf(["sleep", "100"]));
    await engine.start(other);
    await engine.remove(other);
    assert.equal(await engine.inspect(other), undefined);
  });

  it("stops to wait when the signal says so", async () => {
    const id = await engine.create(specOf(["sleep", "100"]));
    await engine.start(id);
    const reason = new Error("enough");
    const abort = new AbortController();
    const ended = engine.ended(id, { signal: abort.signal });
    abort.abort(reason);
    await assert.rejects(ended, reason);
    await engine.remove(id);
  });

  it("lists containers by all labels", async () => {
    const labels = { "dev.skiff.owner": owner, "dev.skiff.kind": "listed" };
    const id = await engine.create(specOf(["true"], { labels }));
    const [found, ...others] = await engine.list(labels);
    assert.equal(others.length, 0);
    assert.equal(found?.id, id);
    assert.equal(found.labels["dev.skiff.kind"], "listed");
    assert.equal(found.isRunning, false);
    assert.ok(Math.abs(found.createdAt.getTime() - Date.now()) < 60_000);
    assert.deepEqual(await engine.list({ ...labels, "dev.skiff.kind": "other" }), []);
    await engine.remove(id);
  });

  it("knows its images, and says why it cannot pull others", async () => {
    const image = await engine.findImage(BOX);
    assert.match(image!.id, /^sha256:[0-9a-f]{64}$/);
    assert.deepEqual(image!.command, ["/bin/sh"]);
    assert.equal(image!.env.PATH, "/bin");
    assert.equal(image!.user, "");
    assert.equal(await engine.findImage("localhost/none:1"), undefined);
    await assert.rejects(engine.create(specOf(["true"], { image: "localhost/none:1" })), { status: 404 });
    // Nothing listens on port 1.
    const pull = engine.pull("127.0.0.1:1/none:1", { signal: AbortSignal.timeout(UNTIL_MS) });
    await assert.rejects(pull, (error) => error instanceof EngineError && /refused/.test(error.message));
    await assert.rejects(engine.pull("127.0.0.1:1/none:1", { signal: AbortSignal.timeout(100) }), /in time/);
  });

  it("says so where no engine answers", async () => {
    const gone = new Engine("/nonexistent/sock");
    await assert.rejects(gone.info(), (error) => error instanceof EngineGone && /ENOENT/.test(error.message));
  });
});
