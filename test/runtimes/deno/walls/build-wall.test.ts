import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findTools } from "../../../../process/sandbox/tools.ts";
import { BuildProcess } from "../../../../runtimes/deno/walls/build-process.ts";
import {
  type WallKind,
  type WallProfile,
  walledCommand,
} from "../../../../runtimes/deno/walls/build-wall.ts";
import { eventually } from "../../../support/eventually.ts";
import { processesWith } from "../../../support/instances/processes.ts";
import { needsWall } from "../../../support/skiff/walls.ts";
import { startServer, type TestServer } from "../build/servers.ts";

/** What a program sees and can do, as it tells itself. */
const PROGRAM = `
  const fs = require("node:fs");
  const tried = (work) => { try { return String(work()); } catch (error) { return error.code; } };
  const told = {
    root: fs.readdirSync("/").sort(),
    env: Object.keys(process.env).sort(),
    pids: fs.readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name)).length,
    passwd: tried(() => fs.readFileSync("/etc/passwd")),
    secret: tried(() => fs.readFileSync(process.argv[1])),
    given: tried(() => fs.readFileSync("/given/file")),
    change: tried(() => fs.writeFileSync("/given/file", "changed")),
    top: tried(() => fs.writeFileSync("/file", "")),
    own: tried(() => fs.writeFileSync("/own/file", "mine")),
    large: tried(() => fs.writeFileSync("/own/large", Buffer.alloc(2 * 1024 ** 2))),
    system: tried(() => fs.closeSync(fs.openSync("/proc/sys/kernel/core_pattern", "r+"))),
    caps: /CapEff:\\s*(\\w+)/.exec(fs.readFileSync("/proc/self/status", "utf8"))[1],
  };
  const socket = require("node:net").connect(Number(process.argv[2]), "127.0.0.1");
  const end = (network) => { console.log(JSON.stringify({ ...told, network })); process.exit(0); };
  process.on("SIGXFSZ", () => {});
  socket.on("connect", () => end("connected")).on("error", ({ code }) => end(code));
`;

describe("the wall of a build", function () {
  this.timeout(60_000);
  let folder: string;
  let server: TestServer;
  before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), "skiff-wall-")));
    for (const name of ["own", "given", "room"]) await mkdir(join(folder, name));
    await writeFile(join(folder, "given", "file"), "given");
    await writeFile(join(folder, "secret"), "secret");
    server = await startServer(() => "");
  });
  after(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  const profile = (network: boolean): WallProfile => ({
    tools: findTools(),
    readable: {
      "/given": join(folder, "given"),
      "/bin/node": process.execPath,
      "/none": join(folder, "none"),
    },
    writable: { "/own": join(folder, "own") },
    network,
    env: { ONE: "1" },
    cwd: "/own",
    root: join(folder, "room"),
    limits: { dataKiB: 1024 ** 2, fileKiB: 1024 },
  });

  /** What the program tells; undefined if this machine has no such wall. */
  async function told(kind: WallKind, network: boolean): Promise<Record<string, unknown> | undefined> {
    const port = server.url.split(":").at(-1)!;
    const program = ["/bin/node", "-e", PROGRAM, join(folder, "secret"), port];
    const command = walledCommand(kind, profile(network), program);
    const started = new BuildProcess(command, {
      cwd: folder,
      env: {},
    });
    let printed = "";
    started.stdout.on("data", (chunk: Buffer) => {
      printed += chunk;
    });
    const exit = await started.ended.catch((error: Error) => error.message);
    if (exit === 0) return JSON.parse(printed);
    assert.doesNotMatch(started.stderr, /SyntaxError|TypeError/);
    return undefined;
  }

  for (const kind of ["bwrap", "unshare"] satisfies WallKind[]) {
    it(`of the kind "${kind}" lets a program see what it was given, and nothing else`, async function () {
      needsWall(this, kind);
      const seen = await told(kind, false);
      assert.ok(seen);
      const { root, env, pids, network, ...tries } = seen as {
        root: string[];
        env: string[];
        pids: number;
        network: string;
      };
      assert.deepEqual(
        root.filter((name) => !/^(bin|dev|lib\d*|old|proc|usr|wall)$/.test(name)),
        ["given", "own"],
      );
      assert.deepEqual(
        env.filter((name) => !["PWD", "PATH", "OLDPWD", "SHLVL", "_"].includes(name)),
        ["ONE"],
      );
      assert.ok(pids <= 3, `${pids} processes`);
      assert.deepEqual(tries, {
        passwd: "ENOENT",
        secret: "ENOENT",
        given: "given",
        change: "EROFS",
        top: "EROFS",
        own: "undefined",
        large: "EFBIG",
        // Root outside is the owner of it; whoever else it is may not either.
        system: process.getuid?.() === 0 ? "EROFS" : "EACCES",
        caps: "0000000000000000",
      });
      assert.match(network, /^(ECONNREFUSED|ENETUNREACH)$/);
    });

    it(`of the kind "${kind}" leaves the network to a program that needs it`, async function () {
      needsWall(this, kind);
      const seen = await told(kind, true);
      assert.ok(seen);
      assert.equal(seen.network, "connected");
      assert.equal(seen.passwd, "ENOENT");
    });
  }

  for (const kind of ["bwrap", "unshare"] satisfies WallKind[]) {
    it(`of the kind "${kind}" ends with the process that made it, however that ends`, async function () {
      needsWall(this, kind);
      const marker = `wall-${kind}-${process.pid}`;
      const program = ["/bin/node", "-e", "console.log('begun'); setTimeout(() => {}, 60_000)", marker];
      const command = walledCommand(kind, profile(false), program);
      const code = `const [first, ...rest] = ${JSON.stringify(command)};
        require("node:child_process").spawn(first, rest, { detached: true, env: {}, stdio: ["pipe", "inherit", "inherit"] });`;
      const maker = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
      await once(maker.stdout, "data");
      assert.notDeepEqual(processesWith(marker), []);
      maker.kill("SIGKILL");
      await eventually("all have ended", () => processesWith(marker).length === 0);
    });
  }

  it("without namespaces keeps the limits of resources", async () => {
    const { env } = profile(false);
    const command = walledCommand("none", profile(false), [
      "/bin/sh",
      "-c",
      "ulimit -d; ulimit -f; ulimit -c",
    ]);
    const started = new BuildProcess(command, { cwd: folder, env: { PATH: "/usr/bin:/bin", ...env } });
    let printed = "";
    started.stdout.on("data", (chunk: Buffer) => {
      printed += chunk;
    });
    assert.equal(await started.ended, 0);
    assert.deepEqual(printed.trim().split("\n"), [String(1024 ** 2), "2048", "0"]);
  });

  it("ends with everything behind it when it is killed", async () => {
    const command = ["/bin/sh", "-c", "sleep 60 & sleep 60"];
    const started = new BuildProcess(command, { cwd: folder, env: { PATH: "/usr/bin:/bin" } });
    await started.close();
    assert.equal(await started.ended, "SIGKILL");
  });
});
