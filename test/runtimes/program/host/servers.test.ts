import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { PROBE_HEADER, PROBE_PATH } from "../../../../client-image/start-message.ts";
import { countTcp, countUnix } from "../../../../runtimes/program/host/servers/open-connections.ts";
import { eventually } from "../../../support/eventually.ts";
import { call, callFor } from "../../../support/instances/call-instance.ts";
import { HeldCall } from "../../../support/instances/held-call.ts";
import { nextMessage, openSocket } from "../../../support/instances/instance-socket.ts";
import { processesWith } from "../../../support/instances/processes.ts";
import { StartedHost } from "../../../support/programs/started-host.ts";

/** A server that says where it is called, and how. */
const SERVER = `
  const { createServer } = require("node:http");
  const { createHash } = require("node:crypto");
  console.log("started");
  console.error("with errors");
  const server = createServer((request, response) => {
    console.log("called", request.url);
    if (request.url === "/exit") process.exit(3);
    if (request.url === "/099") return request.socket.end("HTTP/1.1 099 None\\r\\n\\r\\n");
    if (request.url === "/headers") return response.end(JSON.stringify(request.headers));
    response.writeHead(201, { "x-own": "1", trailer: "x-last" });
    request.on("data", (chunk) => response.write(chunk));
    request.on("end", () => { response.addTrailers({ "x-last": "done" }); response.end(); });
  });
  server.on("upgrade", (request, socket, head) => {
    const key = createHash("sha1").update(request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    socket.write(["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
      "Sec-WebSocket-Accept: " + key.digest("base64"), "", ""].join("\\r\\n"));
    socket.write(Buffer.from([0x81, 2, 0x68, 0x69]));
    socket.on("data", () => socket.end(Buffer.from([0x88, 0])));
  });
  process.on("SIGTERM", () => { console.log("ends"); process.exit(0); });
`;
const ON_PORT = `${SERVER} server.listen(process.env.PORT, "127.0.0.1");`;
const ON_SOCKET = `${SERVER} server.listen(process.env.SOCKET);`;

describe("a program that serves", () => {
  const started: StartedHost[] = [];
  after(() => Promise.all(started.map((each) => each.close())));

  const order = { mode: "serve", command: [process.execPath, "server.cjs"], port: 0 } as const;
  async function serve(script: string, more: Partial<Parameters<typeof StartedHost.start>[0]> = {}) {
    const host = await StartedHost.start({ host: order, ...more }, { "server.cjs": script });
    started.push(host);
    return host;
  }

  async function check(host: StartedHost): Promise<void> {
    const held = new HeldCall(host.address, "/streamed");
    const response = await held.response;
    const [first] = await once(response, "data");
    assert.deepEqual([response.statusCode, response.headers["x-own"], String(first)], [201, "1", "body "]);
    held.request.end("ended");
    assert.equal(await text(response), "ended");
    assert.equal(response.trailers["x-last"], "done");
  }

  it("on its port is reached through the socket of the instance", async () => {
    const host = await serve(ON_PORT);
    await check(host);
    await eventually("its lines are in the log", () => host.log.includes("called /streamed"));
    assert.ok(host.log.includes("started") && host.log.includes("with errors"));
  });

  it("on the socket of the instance is reached directly", async () => {
    const host = await StartedHost.launch({ host: order, ownSocket: true }, { "server.cjs": ON_SOCKET });
    started.push(host);
    await eventually("it is ready", () => host.hasPrinted("ready"));
    await check(host);
  });

  it("answers the call under way before it is asked to end", async () => {
    for (const [script, ownSocket] of [
      [ON_PORT, false],
      [ON_SOCKET, true],
    ] as const) {
      const host = await serve(script, { ownSocket });
      const held = new HeldCall(host.address);
      await held.response;
      host.child.kill("SIGTERM");
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(host.hasEnded, false);
      assert.equal((await held.end()).text, "body ended");
      await eventually("the host has ended", () => host.hasEnded);
      assert.equal(host.child.exitCode, 0);
      assert.ok(host.log.includes("ends"));
    }
  });

  it("ends the instance with its code when it exits", async () => {
    const host = await serve(ON_PORT);
    await assert.rejects(call(host.address, { path: "/exit" }));
    await eventually("the host has ended", () => host.hasEnded);
    assert.equal(host.child.exitCode, 3);
    assert.ok(host.log.includes("The program exited with code 3."));
  });

  it("ends with the platform, with everything that it has started", async () => {
    const seconds = `3217${process.pid}`;
    const isRunning = () => processesWith(`sleep\0${seconds}`).length > 0;
    const host = await serve(
      `require("node:child_process").spawn("sleep", ["${seconds}"], { detached: true, stdio: "ignore" });${ON_PORT}`,
    );
    await eventually("its child runs", isRunning);
    await host.close();
    started.splice(started.indexOf(host), 1);
    await eventually("nothing is left", () => !isRunning());
  });

  it("that ends before it listens is reported with its code", async () => {
    const failed = await StartedHost.launch({ host: order }, { "server.cjs": "process.exit(5)" });
    started.push(failed);
    await eventually("the host has ended", () => failed.hasEnded);
    assert.match(failed.log.join("\n"), /exited with code 5\. It had not listened on \$PORT or \$SOCKET/);
  });

  it("gets one call if its instance has one, over HTTP", async () => {
    for (const script of [ON_PORT, ON_SOCKET]) {
      const host = await serve(script, { isOnce: true, ownSocket: true });
      const held = new HeldCall(host.address, "/only", { "x-skiff-wait": "10" });
      await held.response;
      await eventually("the instance is spent", () => host.hasPrinted("spent"));
      const refused = await call(host.address, { path: "/second", headers: { "x-skiff-wait": "5000" } });
      assert.deepEqual([refused.status, refused.headers["x-skiff-busy"]], [503, "1"]);
      assert.equal(
        (await call(host.address, { path: PROBE_PATH, headers: { [PROBE_HEADER]: "1" } })).status,
        204,
      );
      assert.equal((await held.end()).text, "body ended");
      await eventually("the host has ended", () => host.hasEnded);
      assert.equal(host.child.exitCode, 0);
      assert.ok(!host.log.includes("called /second"));
    }
  });
});

describe("a gate in front of a server", () => {
  let server: ChildProcess;
  let port: number;
  const started: StartedHost[] = [];
  before(async () => {
    const script = `${SERVER} server.listen(0, "127.0.0.1", () => console.log("port", server.address().port));`;
    server = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
    let printed = "";
    server.stdout!.on("data", (chunk) => {
      printed += chunk;
    });
    await eventually("it listens", () => /port \d+/.test(printed));
    port = Number(/port (\d+)/.exec(printed)![1]);
  });
  after(async () => {
    server.kill("SIGKILL");
    await Promise.all(started.map((each) => each.close()));
  });

  async function gate(more: Partial<Parameters<typeof StartedHost.start>[0]> = {}): Promise<StartedHost> {
    const host = await StartedHost.start({ host: { mode: "gate", port }, ...more });
    started.push(host);
    return host;
  }

  it("streams both ways, with trailers, and hides what is between router and instance", async () => {
    const host = await gate();
    const response = await callFor(host.address, { method: "POST", body: "hello" });
    assert.equal(await text(response), "hello");
    assert.equal(response.trailers["x-last"], "done");
    const answer = await call(host.address, {
      path: "/headers",
      headers: { "x-skiff-wait": "100", "x-skiff-call-id": "one", "x-own": "2" },
    });
    const headers = JSON.parse(answer.text);
    assert.deepEqual(
      [headers["x-skiff-wait"], headers["x-skiff-call-id"], headers["x-own"]],
      [undefined, "one", "2"],
    );
  });

  it("ends one call alone if its answer has a status that is none", async () => {
    const host = await gate();
    await assert.rejects(call(host.address, { path: "/099" }));
    assert.equal((await call(host.address, { path: "/headers" })).status, 200);
    assert.match(host.log.join("\n"), /The program broke the connection: Invalid status code: 99/);
  });

  it("passes a WebSocket on, which holds the place of its call", async () => {
    const host = await gate({ isOnce: true });
    const socket = await openSocket(host.address);
    assert.equal(await nextMessage(socket), "hi");
    assert.equal((await call(host.address)).status, 503);
    assert.equal(host.hasEnded, false);
    socket.close();
    await eventually("the host has ended", () => host.hasEnded);
  });

  it("ends the call of a client that leaves", async () => {
    const host = await gate({ isOnce: true });
    const held = new HeldCall(host.address);
    await held.response;
    held.request.destroy();
    await eventually("the host has ended", () => host.hasEnded);
    assert.equal(host.child.exitCode, 0);
  });

  it("in a pod refuses probes after its call, and stays", async () => {
    const host = await gate({ isOnce: true, inPod: true });
    assert.equal((await call(host.address, { path: "/headers" })).status, 200);
    const probe = await call(host.address, { path: PROBE_PATH, headers: { [PROBE_HEADER]: "1" } });
    assert.deepEqual([probe.status, probe.headers["x-skiff-busy"]], [503, "1"]);
    assert.equal(host.hasEnded, false);
  });
});

describe("the open connections of a server", () => {
  it("are those of its path or port that are connected", () => {
    const unix = [
      "Num       RefCount Protocol Flags    Type St Inode Path",
      "0000000000000000: 00000002 00000000 00010000 0001 01 16166 /run/a b",
      "0000000000000000: 00000003 00000000 00000000 0001 03 16168 /run/a b",
      "0000000000000000: 00000003 00000000 00000000 0001 03 16167 /run/other",
      "0000000000000000: 00000003 00000000 00000000 0001 03 16169",
    ].join("\n");
    assert.equal(countUnix(unix, "/run/a b"), 1);
    const tcp = [
      "  sl  local_address rem_address   st tx_queue rx_queue",
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000",
      "   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000",
      "   2: 0100007F:D431 0100007F:1F90 01 00000000:00000000",
    ].join("\n");
    assert.equal(countTcp(tcp, 0x1f90), 1);
    assert.equal(existsSync(join("/proc", "net", "unix")), process.platform === "linux");
  });
});
