import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { eventually } from "../../support/eventually.ts";
import { networkEnvironment } from "../../support/network-environment.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";

const PROGRAM = fileURLToPath(new URL("../../../dashboard/main.ts", import.meta.url));
const TOKEN = "a-token-of-an-installation";

describe("the program of the dashboard", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  let program: ChildProcess;
  let output = "";
  before(async () => {
    skiff = await startedSkiff({ env: { SKIFF_TOKEN: TOKEN } });
    const { url } = skiff;
    const env = {
      SKIFF_MANAGER: url,
      SKIFF_EVENTS: url,
      SKIFF_ROUTER: url,
      SKIFF_PORT: "0",
      SKIFF_INTERNAL_PORT: "0",
    };
    program = spawn(process.execPath, [PROGRAM], {
      env: { ...networkEnvironment(), ...env, SKIFF_DRAIN: "1s" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    program.stdout!.on("data", (chunk: Buffer) => {
      output += chunk;
    });
    await eventually("it listens", () => output.includes("the dashboard listens on port"), 30_000);
  });
  after(async () => {
    program.kill("SIGKILL");
    await skiff.close();
  });
  const port = (pattern: RegExp) => `http://127.0.0.1:${pattern.exec(output)![1]}`;

  it("answers probes, serves the page, and forwards with the token of the installation", async () => {
    const internal = port(/probes and metrics are on port (\d+)/);
    for (const path of ["/healthz", "/readyz", "/metrics"])
      assert.equal((await fetch(`${internal}${path}`)).status, 200, path);
    const base = port(/the dashboard listens on port (\d+)/);
    assert.equal((await fetch(base)).headers.get("x-frame-options"), "DENY");
    const config = (await (await fetch(`${base}/session/config`)).json()) as { hasLogin: boolean };
    assert.equal(config.hasLogin, false);
    assert.equal((await fetch(`${base}/api/func`)).status, 401);
    const headers = { authorization: `Bearer ${TOKEN}` };
    const source = `export default () => "hello";`;
    const deployed = await fetch(`${base}/api/func?name=hello`, { method: "POST", body: source, headers });
    assert.equal(deployed.status, 201);
    const attempt = Buffer.from(JSON.stringify({ method: "GET", path: "/fn/hello" })).toString("base64url");
    const answer = await fetch(`${base}/try`, {
      method: "POST",
      headers: { ...headers, "x-skiff-try": attempt },
    });
    assert.equal(await answer.text(), "hello");
  });
});
