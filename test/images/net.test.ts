import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { BOX, sharedEngine, type TestEngine } from "../support/engine.ts";
import { notTried } from "../support/not-tried.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

describe("the network of an image", function () {
  this.timeout(60_000);
  let test: TestEngine;
  let skiff: StartedSkiff;
  const servers: Server[] = [];

  before(async function () {
    test = await sharedEngine(this);
    skiff = await startedSkiff({ env: { SKIFF_ENGINE: test.socket } });
    for (const text of ["opened", "closed"]) {
      const server = createServer((socket) => socket.end(`${text}\n`)).listen(0, "127.0.0.1");
      await once(server, "listening");
      servers.push(server);
    }
  });
  after(async () => {
    for (const server of servers) server.close();
    await skiff?.close();
  });

  const portOf = (index: number) => (servers[index]!.address() as { port: number }).port;

  /** Deploys a program that runs its input as a script. */
  async function deploy(name: string, query: Record<string, string>) {
    const search = new URLSearchParams({ name, image: BOX, stdio: "1", command: "sh", ...query });
    const answer = await fetch(`${skiff.url}/func?${search}`, { method: "POST" });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }

  async function run(name: string, script: string): Promise<string> {
    const answer = await fetch(`${skiff.url}/fn/${name}`, {
      method: "POST",
      body: `exec 2>&1\n${script}\nexit 0\n`,
    });
    return await answer.text();
  }

  const connected = (name: string, index: number) =>
    run(name, `nc -w 2 127.0.0.1 ${portOf(index)} </dev/null`);

  it("has what its rules open, and nothing else", async function () {
    const { status, body } = await deploy("opened", { net: `127.0.0.1:${portOf(0)}` });
    if (body.code === "no_sandbox") notTried(this, String(body.detail));
    assert.equal(status, 201, JSON.stringify(body) + skiff.lines.slice(-4).join("\n"));
    assert.equal(await connected("opened", 0), "opened\n");
    assert.match(await connected("opened", 1), /refused/);
    assert.match(await run("opened", "cat /etc/resolv.conf"), /^# This network has no name servers/);
  });

  it("is closed to this machine with public addresses alone", async function () {
    const { status, body } = await deploy("public", { net: "public" });
    if (body.code === "no_sandbox") notTried(this, String(body.detail));
    assert.equal(status, 201, JSON.stringify(body));
    assert.match(await connected("public", 0), /refused/);
  });

  it("is none by default", async () => {
    assert.equal((await deploy("none", {})).status, 201);
    assert.equal(await run("none", "ls /sys/class/net"), "lo\n");
  });
});
