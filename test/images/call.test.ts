import assert from "node:assert/strict";
import { BOX, sharedEngine, type TestEngine } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

describe("an image on standard input and output", function () {
  this.timeout(60_000);
  let test: TestEngine;
  let skiff: StartedSkiff;

  before(async function () {
    test = await sharedEngine(this);
    skiff = await startedSkiff({ env: { SKIFF_ENGINE: test.socket } });
  });
  after(() => skiff?.close());

  async function deploy(name: string, query: Record<string, string>) {
    const search = new URLSearchParams({ name, image: BOX, stdio: "1", net: "none", ...query });
    const answer = await fetch(`${skiff.url}/func?${search}`, { method: "POST" });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }

  it("answers a call with the output of its command", async () => {
    const { status, body } = await deploy("cat", { command: "sh -c 'cat; echo to the log >&2'" });
    assert.equal(status, 201, JSON.stringify(body) + skiff.lines.slice(-12).join("\n"));
    const answer = await fetch(`${skiff.url}/fn/cat`, { method: "POST", body: "hello" });
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), "hello");
    await eventually("its errors are in the log", async () => {
      const log = await (await fetch(`${skiff.url}/func/cat/logs`)).text();
      return log.includes("to the log");
    });
  });
});
