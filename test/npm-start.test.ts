import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "./support/eventually.ts";
import { processesWith } from "./support/instances/processes.ts";
import { networkEnvironment } from "./support/network-environment.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SLOW = `export default async () => {
  console.log("working");
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  return "done";
};`;

describe("npm start", function () {
  // Npm and Skiff start for each of them.
  this.timeout(60_000);
  let folder: string;
  let npm: ChildProcess;
  let output = "";

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-npm-"));
    output = "";
    npm = spawn("npm", ["start", "--", "--port", "0", "--data", folder], {
      cwd: ROOT,
      env: networkEnvironment(),
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    for (const stream of [npm.stdout!, npm.stderr!]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk;
      });
    }
  });
  afterEach(() => {
    for (const pid of processesWith(folder)) process.kill(pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  async function url(): Promise<string> {
    const isListening = () => {
      if (npm.exitCode !== null) throw new Error(`npm ended:\n${output}`);
      return /listens on http:/.test(output);
    };
    await eventually("Skiff listens", isListening, 30_000);
    return /listens on (http:\S+)/.exec(output)![1]!;
  }

  async function deploy(base: string, source: string): Promise<void> {
    const { status } = await fetch(`${base}/func?name=slow`, { method: "POST", body: source });
    assert.equal(status, 201);
  }

  const isAnswering = (base: string) =>
    fetch(`${base}/healthz`, { headers: { connection: "close" } }).then(
      () => true,
      () => false,
    );

  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL"] as const) {
    it(`ends Skiff with its processes when npm alone gets ${signal}`, async () => {
      const base = await url();
      await deploy(base, `export default () => "here";`);
      npm.kill(signal);
      await eventually("the port is free", async () => !(await isAnswering(base)));
      await eventually("no process is left", () => processesWith(folder).length === 0);
      assert.match(output, /(SIG\w+|npm has ended): letting calls finish/);
    });
  }

  it("lets calls finish on Ctrl-C, which the terminal sends to all and npm once more", async () => {
    const base = await url();
    await deploy(base, SLOW);
    const ended = once(npm, "exit");
    const call = fetch(`${base}/fn/slow`).then((answer) => answer.text());
    await eventually("the call is there", () => output.includes("[slow] working"));
    process.kill(-npm.pid!, "SIGINT");
    assert.equal(await call, "done");
    await ended;
    await eventually("no process is left", () => processesWith(folder).length === 0);
  });
});
