import assert from "node:assert/strict";
import { BOX, sharedEngine, type TestEngine } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

/** Serves a folder over HTTP. Its start is counted by what the page says. */
const SERVER = `sh -c 'cat /proc/sys/kernel/random/uuid > /tmp/index.html; exec httpd -f -p "$PORT" -h /tmp'`;

type Answer = { readonly status: number; readonly body: Record<string, unknown> };

describe("an image that serves HTTP", function () {
  this.timeout(60_000);
  let test: TestEngine;
  let skiff: StartedSkiff;

  before(async function () {
    test = await sharedEngine(this);
    skiff = await startedSkiff({ env: { SKIFF_ENGINE: test.socket, SKIFF_START_TIMEOUT: "3s" } });
  });
  after(() => skiff?.close());

  async function deploy(name: string, query: Record<string, string>): Promise<Answer> {
    const search = new URLSearchParams({ name, image: BOX, net: "none", ...query });
    const answer = await fetch(`${skiff.url}/func?${search}`, { method: "POST" });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }

  async function deployed(name: string, query: Record<string, string>): Promise<void> {
    const { status, body } = await deploy(name, query);
    assert.equal(status, 201, JSON.stringify(body) + skiff.lines.slice(-5).join("\n"));
  }

  const pageOf = async (name: string) => await (await fetch(`${skiff.url}/fn/${name}/`)).text();

  it("answers many calls with one instance", async () => {
    await deployed("web", { command: SERVER });
    const pages = await Promise.all(Array.from({ length: 20 }, () => pageOf("web")));
    assert.equal(new Set(pages).size, 1);
    assert.match(pages[0]!, /^[0-9a-f-]{36}\n$/);
    const missing = await fetch(`${skiff.url}/fn/web/none`);
    assert.equal(missing.status, 404);
    assert.equal(missing.headers.get("x-skiff-error"), null, "the server answered itself");
  });

  it("starts again after it exited, with its code in the log", async () => {
    const command = `sh -c 'cat /proc/sys/kernel/random/uuid > /tmp/index.html; httpd -f -p "$PORT" -h /tmp & sleep 2; kill $!; exit 7'`;
    await deployed("mortal", { command });
    const first = await pageOf("mortal");
    await eventually(
      "another instance answers",
      async () => {
        const answer = await fetch(`${skiff.url}/fn/mortal/`);
        return answer.status === 200 && (await answer.text()) !== first;
      },
      20_000,
    );
    const log = await (await fetch(`${skiff.url}/func/mortal/logs`)).text();
    assert.match(log, /code 7/);
  });

  it("is refused if it does not listen in time, or exits, with what it said", async () => {
    const late = await deploy("late", { command: "sh -c 'echo still busy; sleep 1000'" });
    assert.deepEqual([late.status, late.body.code], [422, "start_failed"], JSON.stringify(late.body));
    assert.match(String(late.body.detail), /within 3 s \(limit SKIFF_START_TIMEOUT\)[\s\S]*still busy/);
    const dead = await deploy("dead", { command: "sh -c 'echo no config >&2; exit 3'" });
    assert.deepEqual([dead.status, dead.body.code], [422, "start_failed"], JSON.stringify(dead.body));
    assert.match(String(dead.body.detail), /no config/);
    assert.match(JSON.stringify(dead.body), /code 3/);
  });

  it("names the limit in the log when its memory ran out", async () => {
    const command = `sh -c 'httpd -f -p "$PORT" -h /tmp & sleep 1; x=0123456789; while true; do x=$x$x; done'`;
    await deployed("hungry", { command, memory: "64" });
    await eventually("the log has it", async () => {
      const log = await (await fetch(`${skiff.url}/func/hungry/logs`)).text();
      return /exceeded its limit of 64 MiB \(setting memoryMiB\)/.test(log);
    });
  });

  it("has an instance for each call with isolation=call", async () => {
    await deployed("once", { command: SERVER, isolation: "call" });
    const pages = [await pageOf("once"), await pageOf("once"), await pageOf("once")];
    assert.equal(new Set(pages).size, 3, pages.join(""));
  });

  it("has no network but its own loopback", async () => {
    const command = `sh -c 'ls /sys/class/net > /tmp/index.html; (nc -w 1 192.0.2.1 80 </dev/null 2>&1; cat /etc/hosts) >> /tmp/index.html; exec httpd -f -p "$PORT" -h /tmp'`;
    await deployed("alone", { command });
    const page = await pageOf("alone");
    assert.match(page, /^lo\nnc: .*unreachable/);
    assert.match(page, /\n127\.0\.0\.1\tlocalhost\n::1\tlocalhost\n$/);
  });
});
