import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import { BOX, sharedEngine, type TestEngine } from "../support/engine.ts";
import { notTried } from "../support/not-tried.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

describe("the network of an image", function () {
  this.timeout(60_000);
  let test: TestEngine;
  let skiff: StartedSkiff;
  const servers: Server[] = [];
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  const address = own.find(({ internal, family }) => !internal && family === "IPv4")?.address ?? "";

  before(async function () {
    test = await sharedEngine(this);
    if (address === "") notTried(this, "this machine has no address");
    skiff = await startedSkiff({ env: { SKIFF_ENGINE: test.socket } });
    for (const text of ["opened", "closed"]) {
      const server = createServer((socket) => socket.end(`${text}\n`)).listen(0, "0.0.0.0");
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

  it("has what its rules open, and nothing else", async function () {
    const rule = `${address}:${portOf(0)}`;
    const { status, body } = await deploy("opened", { net: rule });
    if (body.code === "no_sandbox") notTried(this, String(body.detail));
    assert.equal(status, 201, JSON.stringify(body) + skiff.lines.slice(-4).join("\n"));
    assert.equal(await run("opened", `nc -w 2 ${address} ${portOf(0)} </dev/null`), "opened\n");
    assert.doesNotMatch(await run("opened", `nc -w 1 ${address} ${portOf(1)} </dev/null`), /closed/);
    assert.doesNotMatch(await run("opened", `nc -w 1 127.0.0.1 ${portOf(1)} </dev/null`), /closed/);
    assert.match(await run("opened", "cat /etc/resolv.conf"), /^# This network has no name servers/);
  });

  it("is closed to private addresses with public ones alone", async function () {
    const { status, body } = await deploy("public", { net: "public" });
    if (body.code === "no_sandbox") notTried(this, String(body.detail));
    assert.equal(status, 201, JSON.stringify(body));
    for (const target of [address, "127.0.0.1"]) {
      assert.doesNotMatch(await run("public", `nc -w 1 ${target} ${portOf(0)} </dev/null`), /opened/);
    }
    assert.match(
      await run("public", "nc -w 1 169.254.169.254 80 </dev/null"),
      /[Uu]nreachable|refused|No route/,
    );
  });

  it("is none by default", async () => {
    assert.equal((await deploy("none", {})).status, 201);
    assert.equal(await run("none", "ls /sys/class/net"), "lo\n");
  });
});
