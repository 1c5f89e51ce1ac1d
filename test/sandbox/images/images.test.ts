import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BOX, sharedEngine, type TestEngine } from "../../support/engine.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";
import { ATTEMPTS } from "./image-attempts.ts";

describe("the container of an image", function () {
  this.timeout(60_000);
  let test: TestEngine;
  let skiff: StartedSkiff;
  let outside: string;
  const servers: Server[] = [];
  let preamble: string;

  before(async function () {
    test = await sharedEngine(this);
    outside = mkdtempSync(join(tmpdir(), "skiff-outside-"));
    writeFileSync(join(outside, "secret"), "SECRET");
    skiff = await startedSkiff({
      env: { SKIFF_ENGINE: test.socket, SKIFF_SCRATCH: "16Mi", SKIFF_PROCESSES: "64" },
    });
    const abstract = `skiff-test-${process.pid}`;
    const tcp = await listening(createServer((socket) => socket.end("REACHED\n")).listen(0, "127.0.0.1"));
    servers.push(tcp, await listening(createServer().listen(`\0${abstract}`)));
    const values = {
      OUTSIDE: outside,
      DATA: skiff.dataFolder,
      ENGINE: test.socket,
      SKIFF_PID: process.pid,
      TCP_PORT: (tcp.address() as { port: number }).port,
      ABSTRACT: abstract,
    };
    preamble = `${Object.entries(values)
      .map(([name, value]) => `${name}='${value}'\n`)
      .join("")}exec 2>&1\n`;
    for (const name of ["tries", "replaces"]) {
      const search = new URLSearchParams({ name, image: BOX, stdio: "1", net: "none", command: "sh" });
      const answer = await fetch(`${skiff.url}/func?${search}`, { method: "POST" });
      assert.equal(answer.status, 201, await answer.text());
    }
  });

  after(async () => {
    for (const server of servers) server.close();
    await skiff?.close();
    if (outside) rmSync(outside, { recursive: true, force: true });
  });

  async function run(name: string, script: string): Promise<string> {
    const answer = await fetch(`${skiff.url}/fn/${name}`, {
      method: "POST",
      body: `${preamble}${script}\nexit 0\n`,
    });
    return (await answer.text()).trimEnd();
  }

  it("is tried to leave in at least 40 ways", () =>
    assert.ok(ATTEMPTS.length >= 40, String(ATTEMPTS.length)));

  for (const { title, script, expect } of ATTEMPTS) {
    it(`holds when its program ${title}`, async () => {
      const output = await run("tries", script);
      assert.match(output, expect);
      assert.doesNotMatch(output, /SECRET|REACHED|SQLite/);
    });
  }

  it("is reached by the socket of its host alone, whatever its program puts in its place", async () => {
    const script = `rm -f /skiff-run/sock; ln -s "$ENGINE" /skiff-run/sock; ls -l /skiff-run`;
    assert.match(await run("replaces", script), /sock -> /);
    assert.equal(await run("replaces", "echo still here"), "still here");
    const answer = await fetch(`${skiff.url}/fn/replaces/../../version`);
    assert.doesNotMatch(await answer.text(), /Podman|ApiVersion/);
  });
});

async function listening(server: Server): Promise<Server> {
  await once(server, "listening");
  return server;
}
