import assert from "node:assert/strict";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { defaultSettings, type Settings } from "../../../platform/settings/settings.ts";
import type { ProgramMessage } from "../../../runtimes/program/host/program-message.ts";
import { programPlanner } from "../../../runtimes/program/program-runtime.ts";

const SETTINGS: Settings = {
  ...defaultSettings(limitsFromEnv({})),
  runtime: "program",
  concurrency: 7,
  env: { GREETING: "hello" },
};

function plan(settings: Partial<Settings> = {}, command: readonly string[] = ["./main", "a b"]) {
  const { plan: planLaunch, files } = programPlanner("/skiff/host.mjs");
  const project = { entry: "", replaced: [], importHosts: [], program: { command, executables: ["main"] } };
  const order = {
    ...{ name: "greet", version: 3, settings: { ...SETTINGS, ...settings } },
    ...{ secrets: { TOKEN: "t" }, ownAddresses: [], nonce: "n" },
  };
  const planned = planLaunch(order, {
    files: { ...files, binary: "/skiff/node" },
    artifact: { path: "/project", project },
    ...{ socket: "/work/.socket", scratch: "/work", cache: "/cache", ownsProcesses: true },
  });
  return { ...planned, message: JSON.parse(planned.input) as ProgramMessage };
}

describe("the plan of a program", () => {
  it("starts the program host, which gets the command in its input", () => {
    const { command, cwd, message, readyLine, listeningLine } = plan();
    assert.deepEqual(command, ["/skiff/node", "/skiff/host.mjs"]);
    assert.equal(cwd, "/project");
    assert.deepEqual([listeningLine, readyLine], ["n listening", "n ready"]);
    assert.deepEqual(message.host, {
      ...{ mode: "call", command: ["./main", "a b"], cwd: "/project" },
      ...{ cgi: false, timeoutMs: SETTINGS.timeoutMs, ownsProcesses: true },
    });
    assert.equal(message.concurrency, 7);
    assert.equal(message.isOnce, undefined);
  });

  it("has no variable of Skiff, and secrets in the input alone", () => {
    const { env, message, command } = plan();
    assert.deepEqual(env, {
      PATH: "/usr/local/bin:/usr/bin:/bin:/skiff",
      ...{ LANG: "C.UTF-8", HOME: "/work", TMPDIR: "/work", GREETING: "hello" },
    });
    assert.deepEqual(message.env, ["PATH", "LANG", "HOME", "TMPDIR", "GREETING"]);
    assert.deepEqual(message.secrets, { TOKEN: "t" });
    assert.doesNotMatch(JSON.stringify([command, env]), /"t"/);
  });

  it("has the variables of Kubeless for a handler", () => {
    const { env, message } = plan({
      program: { handler: "src/greet.hello" },
      timeoutMs: 1_500,
      memoryMiB: 64,
    });
    const { MOD_NAME, FUNC_HANDLER, FUNC_TIMEOUT, FUNC_MEMORY_LIMIT } = env;
    assert.deepEqual(
      [MOD_NAME, FUNC_HANDLER, FUNC_TIMEOUT, FUNC_MEMORY_LIMIT],
      ["src/greet", "hello", "1.5", "64Mi"],
    );
    assert.ok(message.env.includes("FUNC_TIMEOUT"));
    assert.equal(message.host.mode, "serve");
  });

  it("follows the mode, cgi and isolation of the settings", () => {
    const serve = plan({ program: { mode: "serve" } }).message.host;
    assert.deepEqual(serve, {
      ...{ mode: "serve", command: ["./main", "a b"], cwd: "/project" },
      ...{ port: 0, socket: "/work/.socket" },
    });
    const cgi = plan({ program: { cgi: true } }).message.host;
    assert.ok(cgi.mode === "call" && cgi.cgi);
    const { isOnce, concurrency } = plan({ isolation: "call" }).message;
    assert.deepEqual([isOnce, concurrency], [true, 1]);
  });
});
