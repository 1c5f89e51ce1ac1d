import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { denoPath } from "../../../runtimes/deno/deno-binary.ts";
import { Harness, send, until } from "../support/harness.ts";

const PROGRAM = `
Deno.serve((request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/ws") {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send("echo " + data);
    return response;
  }
  if (/^\\/\\d+$/.test(pathname)) return new Response(null, { status: Number(pathname.slice(1)) });
  if (pathname === "/echo") return new Response(request.body);
  return new Response(request.url + " " + request.headers.get("x-forwarded-prefix"));
});
`;

describe("a function in Deno behind the router", () => {
  let harness: Harness;
  let deno: ChildProcess;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "skiff-deno-"));
    const unix = join(folder, "i.sock");
    await writeFile(join(folder, "main.js"), PROGRAM);
    deno = spawn(denoPath(), ["run", "-A", join(folder, "main.js")], {
      env: { DENO_SERVE_ADDRESS: `unix:${unix}`, DENO_DIR: join(folder, "deno"), DENO_NO_UPDATE_CHECK: "1" },
      stdio: "ignore",
    });
    harness = await Harness.start();
    await harness.publish("echo", [{ unix }]);
    await until(async () => (await send(`${harness.url}/fn/echo`)).status === 200, "Deno answers");
  });
  after(async () => {
    await harness.close();
    deno.kill("SIGKILL");
    if (deno.exitCode === null && deno.signalCode === null) await once(deno, "exit");
    await rm(folder, { recursive: true, force: true });
  });

  it("sees its own path below the host that the client named", async () => {
    const { body } = await send(`${harness.url}/fn/echo/a/b?q=1`, { headers: { host: "example.com" } });
    assert.match(body, /^http(\+unix)?:\/\/example\.com\/a\/b\?q=1 \/fn\/echo$/);
  });

  it("gets bodies whole and answers with them, with and without a length", async () => {
    const text = "x".repeat(300_000);
    assert.equal((await send(`${harness.url}/fn/echo/echo`, { method: "POST", body: text })).body, text);
    const headers = { "transfer-encoding": "chunked" };
    assert.equal(
      (await send(`${harness.url}/fn/echo/echo`, { method: "POST", body: text, headers })).body,
      text,
    );
  });

  for (const status of [200, 204, 205, 304, 404, 500]) {
    it(`may answer ${status} without a body`, async () => {
      const answer = await send(`${harness.url}/fn/echo/${status}`);
      assert.deepEqual([answer.status, answer.body], [status, ""]);
    });
  }

  it("answers HEAD", async () => {
    assert.equal((await send(`${harness.url}/fn/echo`, { method: "HEAD" })).status, 200);
  });

  it("talks over a WebSocket", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${harness.port}/fn/echo/ws`);
    await once(socket, "open");
    socket.send("hello");
    const [event] = (await once(socket, "message")) as [MessageEvent];
    assert.equal(event.data, "echo hello");
    socket.close(1000);
    const [closed] = (await once(socket, "close")) as [CloseEvent];
    assert.equal(closed.code, 1000);
    await harness.idle();
  });
});
