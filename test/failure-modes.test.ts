import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tarOf } from "./runtimes/deno/build/building.ts";
import { eventually } from "./support/eventually.ts";
import { processesWith } from "./support/instances/processes.ts";
import { answering } from "./support/platform/draft.ts";
import { SkiffProgram } from "./support/skiff/skiff-program.ts";
import { SmallDisk } from "./support/skiff/small-disk.ts";
import { type StartedSkiff, startedSkiff } from "./support/skiff/started-skiff.ts";

describe("an instance that is killed", () => {
  const SLOW = `
    export default (request) => {
      if (request.url.endsWith("/quick")) return "quick";
      if (request.url.endsWith("/never")) return new Promise(() => console.log("it has the call"));
      return new Response(new ReadableStream({ start: (it) => it.enqueue(new TextEncoder().encode("begun")) }));
    };`;
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
    assert.equal((await skiff.deploy("killed", SLOW)).status, 201);
  });
  after(() => skiff.close());

  async function kill(): Promise<void> {
    const described = await (await fetch(`${skiff.url}/func/killed`)).json();
    const [{ id }] = (described as { instances: [{ id: string }] }).instances;
    for (const pid of processesWith(id)) process.kill(pid, "SIGKILL");
  }

  async function nextIsAnswered(): Promise<void> {
    assert.equal(await (await fetch(`${skiff.url}/fn/killed/quick`)).text(), "quick");
  }

  it("between accepting a call and answering it is answered for with 502, and the next call by another", async () => {
    const call = fetch(`${skiff.url}/fn/killed/never`);
    await eventually("it has the call", () => skiff.lines.some((line) => line.includes("it has the call")));
    await kill();
    const response = await call;
    assert.equal(response.status, 502);
    assert.equal(((await response.json()) as { code: string }).code, "instance_failed");
    await nextIsAnswered();
  });

  it("in the middle of a stream breaks the stream off, which does not end cleanly", async () => {
    const { body } = await fetch(`${skiff.url}/fn/killed/stream`);
    const reader = body!.getReader();
    assert.equal(Buffer.from((await reader.read()).value!).toString(), "begun");
    await kill();
    await assert.rejects(reader.read());
    await nextIsAnswered();
  });
});

describe("a machine that runs out of something", () => {
  let folder: string;
  let skiff: SkiffProgram | undefined;
  let disk: SmallDisk | undefined;
  let url: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-failure-"));
  });
  afterEach(async () => {
    await skiff?.close();
    await disk?.close();
    skiff = undefined;
    disk = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  async function deploy(
    name: string,
    source: string | Uint8Array<ArrayBuffer>,
    settings = "",
  ): Promise<number> {
    const response = await fetch(`${url}/func?name=${name}&${settings}`, { method: "POST", body: source });
    await response.text();
    return response.status;
  }

  async function call(path: string): Promise<string> {
    const response = await fetch(`${url}/fn/${path}`);
    const text = await response.text();
    return response.status === 200 ? text : `${response.status} ${JSON.parse(text).code}`;
  }

  /** Status, code and detail of a refusal. */
  async function refusal(path: string, init?: RequestInit): Promise<string> {
    const { status, code, detail } = (await (await fetch(`${url}${path}`, init)).json()) as Refusal;
    return `${status} ${code} ${detail}`;
  }

  async function stopped(name: string): Promise<void> {
    await eventually(`${name} has stopped`, async () => {
      const described = await (await fetch(`${url}/func/${name}`)).json();
      return (described as { instances: unknown[] }).instances.length === 0;
    });
  }

  it("of open files closes one connection too many at once, and serves, starts and deploys on the others", async () => {
    const program = new SkiffProgram(folder, { before: "ulimit -n 160" });
    skiff = program;
    url = await skiff.url();
    assert.equal(await deploy("warm", answering("warm")), 201);
    assert.equal(await deploy("cold", answering("cold"), "idle=100ms"), 201);
    await stopped("cold");
    let closed = 0;
    const sockets = Array.from({ length: 300 }, () => {
      const socket = net.connect(Number(new URL(url).port), "127.0.0.1");
      return socket.on("error", () => {}).once("close", () => closed++);
    });
    // Linux alone tells how many files there may be.
    if (process.platform === "linux") {
      await eventually("some are closed", () => closed > 100);
      await eventually("it is said why", () => /Connections are refused.*ulimit -n/.test(program.output));
      assert.equal(await call("warm"), "warm");
      assert.equal(await call("cold"), "cold");
      assert.equal(await deploy("new", answering("new")), 201);
    }
    for (const socket of sockets) socket.destroy();
    assert.equal(await call("warm"), "warm");
    await eventually("connections are taken again", async () => (await freshConnection(url)) === "answered");
  });

  for (const [how, files, env] of [
    ["with walls", 150, {}],
    ["without a wall around connections", 110, { SKIFF_NETWORK: "machine" }],
    ["without walls", 90, { SKIFF_ISOLATION: "permissions" }],
  ] as const) {
    describe(how, () => {
      it("of open files for more instances ends none that runs and blames no function, and goes on when there are some", async function () {
        this.timeout(60_000);
        skiff = new SkiffProgram(folder, { before: `ulimit -n ${files}`, env });
        url = await skiff.url();
        const deployed: string[] = [];
        let refused: Response | undefined;
        // Each instance has files of Skiff: its pipes and its connections.
        for (let number = 0; number < 60 && refused === undefined; number++) {
          const name = `many-${number}`;
          // Networks of several kinds, whose tools are started where there are files for them or not.
          const net = number % 3 === 0 ? "" : `&net=10.0.0.${number % 9}`;
          const response = await fetch(`${url}/func?name=${name}${net}`, {
            method: "POST",
            body: answering(name),
          });
          if (response.status === 201) {
            deployed.push(name);
            await response.text();
          } else refused = response;
        }
        if (process.platform !== "linux" && refused === undefined) return;
        const { code, detail } = (await refused!.json()) as Refusal;
        assert.deepEqual([refused!.status, code], [503, "no_capacity"], `${detail}\n${skiff.output}`);
        assert.match(detail, /not at fault: .*ulimit -n/);
        assert.equal(refused!.headers.get("retry-after"), "1");
        assert.ok(deployed.length >= 5, `${deployed.length} deployed`);
        for (const name of deployed) {
          const { instances } = (await (await fetch(`${url}/func/${name}`)).json()) as {
            instances: unknown[];
          };
          assert.equal(instances.length, 1, name);
        }
        assert.doesNotMatch(skiff.output, /was stopped|ended by/);
        // A function that is gone gives its files back.
        for (const name of deployed.slice(0, 3)) await fetch(`${url}/func/${name}`, { method: "DELETE" });
        await eventually("there are some", async () => (await deploy("last", answering("last"))) === 201);
        assert.equal(await call("last"), "last");
      });
    });
  }

  it("of disk refuses deploys, removals and starts and says why, changes nothing, and goes on with what runs", async function () {
    disk = await SmallDisk.mount(this, folder, 24);
    skiff = new SkiffProgram(folder, disk);
    url = await skiff.url();
    assert.equal(await deploy("warm", answering("warm"), "idle=1h"), 201);
    assert.equal(await deploy("cold", answering("cold"), "idle=100ms"), 201);
    await stopped("cold");
    // Its bundle is small: with a little space left it is the database that has no place for it.
    const large = new Uint8Array(
      await tarOf({ "main.ts": answering("large"), "unused.txt": "x".repeat(9 * 1024 ** 2) }),
    );
    const full = /^507 storage_full .*free space.*SKIFF_DATA.*Nothing was changed/;
    const deploysAreRefused = async () => {
      for (const name of ["large", "warm"]) {
        assert.match(await refusal(`/func?name=${name}`, { method: "POST", body: large }), full);
      }
      assert.equal(await call("warm"), "warm");
      assert.equal(await call("large"), "404 unknown_function");
    };
    disk.fill();
    await deploysAreRefused();
    assert.match(skiff.output, /ENOSPC/);
    const min = { method: "PATCH", body: '{"min":1}', headers: { "content-type": "application/json" } };
    assert.match(await refusal("/func/warm", min), full);
    assert.match(await refusal("/func/warm", { method: "DELETE" }), full);
    assert.match(await refusal("/fn/cold"), /^503 no_capacity .*disk is full.*SKIFF_DATA/);
    assert.equal(await call("warm"), "warm");
    disk.free();
    disk.fill("ballast", 1024 ** 2);
    await deploysAreRefused();
    assert.match(skiff.output, /database or disk is full/);
    disk.free();
    await eventually("what is cold starts again", async () => (await call("cold")) === "cold");
    assert.equal(await deploy("large", answering("large")), 201);
    assert.equal(await call("large"), "large");
  });

  it("of disk starts all the same after a crash: what it left behind goes before anything is written", async function () {
    this.timeout(60_000);
    disk = await SmallDisk.mount(this, folder, 24);
    const args = ["--workers", "2"];
    skiff = new SkiffProgram(folder, { ...disk, args });
    url = await skiff.url();
    assert.equal(await deploy("kept", answering("kept")), 201);
    // As an instance without a wall could, whose scratch folder was here.
    disk.fill("instances/left/scratch/filling");
    assert.equal(disk.freeBytes, 0);
    skiff.signal("SIGKILL");
    await skiff.ended();
    // With a build that was under way.
    disk.fill("build/builds/left/module.js");
    assert.equal(disk.freeBytes, 0);
    skiff = new SkiffProgram(folder, { ...disk, args });
    url = await skiff.url();
    assert.ok(!existsSync(join(disk.path, "build/builds/left")));
    assert.equal(await call("kept"), "kept");
    assert.equal(await deploy("new", answering("new")), 201);
  });

  it("of disk starts all the same when others have taken the last block, and serves when there is space", async function () {
    this.timeout(60_000);
    disk = await SmallDisk.mount(this, folder, 24);
    skiff = new SkiffProgram(folder, disk);
    url = await skiff.url();
    assert.equal(await deploy("kept", answering("kept")), 201);
    skiff.signal("SIGKILL");
    await skiff.ended();
    await eventually("its instances have ended", () => processesWith(folder).length === 0);
    disk.fill();
    assert.equal(disk.freeBytes, 0);
    skiff = new SkiffProgram(folder, disk);
    url = await skiff.url();
    disk.fill();
    assert.match(await refusal("/fn/kept"), /^503 no_capacity .*disk is full.*SKIFF_DATA/);
    disk.free();
    await eventually("what is cold starts", async () => (await call("kept")) === "kept");
  });

  it("of space in single files says that it failed, not that the disk is full", async function () {
    this.timeout(60_000);
    // In blocks of 512 or 1,024 bytes, as the shell will have it; more than Deno needs for its own files.
    skiff = new SkiffProgram(folder, { before: "ulimit -f 8192" });
    url = await skiff.url();
    const source = await tarOf({ "main.ts": answering("large"), "unused.txt": "x".repeat(9 * 1024 ** 2) });
    assert.equal(await deploy("large", new Uint8Array(source)), 500);
    assert.equal(await call("large"), "404 unknown_function");
    assert.equal(await deploy("large", answering("small")), 201);
    assert.equal(await call("large"), "small");
  });
});

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

async function freshConnection(url: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(Number(new URL(url).port), "127.0.0.1");
    socket.once("data", () => resolve("answered")).once("close", () => resolve("closed"));
    socket.once("error", () => {});
    socket.write("GET /fn/warm HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  });
}
