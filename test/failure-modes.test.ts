import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./support/eventually.ts";
import { processesWith } from "./support/instances/processes.ts";
import { needsLinux } from "./support/not-tried.ts";
import { answering } from "./support/platform/draft.ts";
import { SkiffClient } from "./support/skiff/skiff-client.ts";
import { type ProgramOptions, SkiffProgram } from "./support/skiff/skiff-program.ts";
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
    const [id] = await new SkiffClient(skiff.url).instances("killed");
    for (const pid of processesWith(id!)) process.kill(pid, "SIGKILL");
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

describe("instances that are killed under load", () => {
  const CONNECTIONS = 50;
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
  });
  after(() => skiff.close());

  it("lose the calls under way alone: all others wait for the next", async () => {
    for (const [name, settings] of [
      ["one-at-a-time", "min=1&max=1&concurrency=100"],
      ["two-at-once", "min=2&max=2&concurrency=100"],
    ] as const) {
      assert.equal((await skiff.deploy(name, answering("alive"), settings)).status, 201);
      const client = new SkiffClient(skiff.url);
      const count = Number(/max=(\d)/.exec(settings)![1]);
      const ready = async () => (await client.instances(name)).length === count;
      await eventually("they are ready", ready);
      const answers = new Map<number, number>();
      let goesOn = true;
      const load = Array.from({ length: CONNECTIONS }, async () => {
        while (goesOn) {
          const response = await fetch(`${skiff.url}/fn/${name}`);
          await response.arrayBuffer();
          answers.set(response.status, (answers.get(response.status) ?? 0) + 1);
        }
      });
      const answered = (status: number) => answers.get(status) ?? 0;
      try {
        // A third failure in a row begins the back-off of the platform, which has a promise of its own.
        for (let round = 0; round < 2; round++) {
          await eventually("it answers", ready);
          const before = answered(200);
          await eventually("the load is on", () => answered(200) > before + 2 * CONNECTIONS);
          const ids = await client.instances(name);
          for (const pid of ids.flatMap((id) => processesWith(id))) process.kill(pid, "SIGKILL");
          const atKill = answered(200);
          await eventually("it answers again", () => answered(200) > atKill + 2 * CONNECTIONS);
        }
      } finally {
        goesOn = false;
        await Promise.all(load);
      }
      const { 200: _, 502: lost = 0, ...others } = Object.fromEntries(answers);
      assert.deepEqual(others, {});
      assert.ok(lost <= 2 * CONNECTIONS, `${lost} calls were lost`);
    }
  });
});

describe("a machine that runs out of something", () => {
  let folder: string;
  let program: SkiffProgram | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-failure-"));
  });
  afterEach(async () => {
    await program?.close();
    program = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(options: ProgramOptions) {
    program = new SkiffProgram(folder, options);
    const url = await program.url();
    return { program, url, skiff: new SkiffClient(url) };
  }

  it("of open files closes one connection too many at once, and serves, starts and deploys on the others", async () => {
    const { program, url, skiff } = await start({ before: "ulimit -n 160" });
    assert.equal(await skiff.deploy("warm", answering("warm")), 201);
    assert.equal(await skiff.deploy("cold", answering("cold"), "idle=100ms"), 201);
    await skiff.stopped("cold");
    let closed = 0;
    const sockets = Array.from({ length: 300 }, () => {
      const socket = net.connect(Number(new URL(url).port), "127.0.0.1");
      return socket.on("error", () => {}).once("close", () => closed++);
    });
    // Linux alone tells how many files there may be.
    if (process.platform === "linux") {
      await eventually("some are closed", () => closed > 100);
      await eventually("it is said why", () => /Connections are refused.*ulimit -n/.test(program.output));
      assert.equal(await skiff.call("warm"), "warm");
      assert.equal(await skiff.call("cold"), "cold");
      assert.equal(await skiff.deploy("new", answering("new")), 201);
    }
    for (const socket of sockets) socket.destroy();
    assert.equal(await skiff.call("warm"), "warm");
    await eventually("connections are taken again", async () => (await freshConnection(url)) === "answered");
  });

  for (const [how, files, env] of [
    ["with walls", 150, {}],
    ["without a wall around connections", 110, { SKIFF_NETWORK: "machine" }],
    ["without walls", 90, { SKIFF_ISOLATION: "permissions" }],
  ] as const) {
    describe(how, () => {
      it("of open files for more instances ends none that runs and blames no function, and goes on when there are some", async function () {
        needsLinux(this, "a limit of open files that Skiff can read");
        this.timeout(60_000);
        const { program, url, skiff } = await start({ before: `ulimit -n ${files}`, env });
        const deployed: string[] = [];
        let refused: Response | undefined;
        // Each instance has files of Skiff: its pipes and its connections.
        for (let number = 0; number < 60 && refused === undefined; number++) {
          const name = `many-${number}`;
          // Networks of several kinds, whose tools are started where there are files for them or not.
          const net = number % 3 === 0 ? "" : `&net=10.0.0.${number % 9}`;
          const init = { method: "POST", body: answering(name) };
          const response = await fetch(`${url}/func?name=${name}${net}`, init);
          if (response.status === 201) {
            deployed.push(name);
            await response.text();
          } else refused = response;
        }
        const { code, detail } = (await refused!.json()) as { code: string; detail: string };
        assert.deepEqual([refused!.status, code], [503, "no_capacity"], `${detail}\n${program.output}`);
        assert.match(detail, /not at fault: .*ulimit -n/);
        assert.equal(refused!.headers.get("retry-after"), "1");
        assert.ok(deployed.length >= 5, `${deployed.length} deployed`);
        for (const name of deployed) assert.equal((await skiff.instances(name)).length, 1, name);
        assert.doesNotMatch(program.output, /was stopped|ended by/);
        // A function that is gone gives its files back.
        for (const name of deployed.slice(0, 3)) await fetch(`${url}/func/${name}`, { method: "DELETE" });
        const last = async () => (await skiff.deploy("last", answering("last"))) === 201;
        await eventually("there are some", last);
        assert.equal(await skiff.call("last"), "last");
      });
    });
  }
});

async function freshConnection(url: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(Number(new URL(url).port), "127.0.0.1");
    socket.once("data", () => resolve("answered")).once("close", () => resolve("closed"));
    socket.once("error", () => {});
    socket.write("GET /fn/warm HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  });
}
