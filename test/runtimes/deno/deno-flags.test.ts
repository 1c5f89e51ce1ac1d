import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { defaultSettings } from "../../../platform/settings/settings.ts";
import {
  denoRunArguments,
  netFlags,
  programArguments,
  subtractRanges,
} from "../../../runtimes/deno/deno-flags.ts";
import { denoPlanner } from "../../../runtimes/deno/deno-runtime.ts";
import type { LaunchPaths, LaunchPlanner } from "../../../runtimes/runtime.ts";

const toNumber = (address: string) => address.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
const toText = (address: number) =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");

function contains(range: string, address: number): boolean {
  const [base = "", bits = "32"] = range.split("/");
  const size = 2 ** (32 - Number(bits));
  return Math.floor(address / size) === Math.floor(toNumber(base) / size);
}

/** The same numbers at every run, so that a failure can be repeated. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe("subtracting ranges of addresses", () => {
  it("leaves exactly the addresses that no hole covers", () => {
    const random = randomNumbers(7);
    const randomRange = (within: number) => `${toText(within + random(65_536))}/${14 + random(19)}`;
    for (let sample = 0; sample < 300; sample++) {
      const within = random(2 ** 16) * 65_536;
      const range = `${toText(within)}/${12 + random(10)}`;
      const holes = Array.from({ length: random(5) }, () => randomRange(within));
      const rest = subtractRanges(range, holes);
      const edges = [range, ...holes].map((each) => toNumber(each.split("/")[0]!));
      const addresses = edges.flatMap((edge) => [edge - 1, edge, edge + 1, edge + random(70_000)]);
      for (const address of addresses.filter((each) => each >= 0 && each < 2 ** 32)) {
        const wanted = contains(range, address) && !holes.some((hole) => contains(hole, address));
        const covering = rest.filter((part) => contains(part, address)).length;
        assert.equal(covering, wanted ? 1 : 0, `${toText(address)} of ${range} without ${holes}: ${rest}`);
      }
    }
  });

  for (const [range, holes, rest] of [
    ["10.0.0.0/8", [], ["10.0.0.0/8"]],
    ["10.0.0.0/8", ["0.0.0.0/0"], []],
    ["10.0.0.0/8", ["10.0.0.0/8"], []],
    ["10.0.0.0/8", ["11.0.0.0/8"], ["10.0.0.0/8"]],
    ["10.0.0.0/30", ["10.0.0.1"], ["10.0.0.0/32", "10.0.0.2/31"]],
    ["240.0.0.0/4", ["255.255.255.255"], undefined],
  ] as const) {
    it(`takes ${holes.join(" and ") || "nothing"} out of ${range}`, () => {
      const parts = subtractRanges(range, holes);
      if (rest) assert.deepEqual(parts, rest);
      else assert.equal(parts.length, 28);
    });
  }
});

describe("the net flags", () => {
  const own = ["8.8.4.9", "fe80::1"];
  const denied = (rules: string[], address: string) =>
    netFlags(rules, own).deny.some((range) => /^\d/.test(range) && contains(range, toNumber(address)));

  it("of public allow all and deny what is not public, and this machine", () => {
    const { allow, deny } = netFlags(["public"], own);
    assert.equal(allow, "all");
    for (const address of [
      "127.0.0.1",
      "10.9.9.9",
      "192.168.1.1",
      "169.254.169.254",
      "172.31.0.1",
      "0.0.0.0",
    ]) {
      assert.ok(denied(["public"], address), address);
    }
    for (const address of [
      "100.64.0.1",
      "168.63.129.16",
      "224.0.0.1",
      "255.255.255.255",
      "8.8.4.9",
      "192.0.2.1",
    ]) {
      assert.ok(denied(["public"], address), address);
    }
    for (const address of ["1.1.1.1", "172.32.0.1", "8.8.4.8", "100.128.0.0"]) {
      assert.ok(!denied(["public"], address), address);
    }
    for (const host of [
      "[::]",
      "[::1]",
      "[fd00:ec2::254]",
      "[fe80::1]",
      "localhost",
      "metadata.google.internal",
    ]) {
      assert.ok(deny.includes(host), host);
    }
  });

  it("of public with a private destination open that one, and nothing beside it", () => {
    const rules = ["public", "10.1.2.3", "192.168.0.0/24", "localhost"];
    assert.ok(!denied(rules, "10.1.2.3"));
    assert.ok(denied(rules, "10.1.2.4"));
    assert.ok(!denied(rules, "192.168.0.200"));
    assert.ok(denied(rules, "192.168.1.0"));
    assert.ok(!netFlags(rules, own).deny.includes("localhost"));
    assert.ok(denied(rules, "127.0.0.1"));
  });

  it("of public with one port of a private address keep the address closed, because public has every port", () => {
    assert.ok(denied(["public", "10.1.2.3:5432"], "10.1.2.3"));
    assert.ok(!denied(["10.1.2.3:5432"], "10.1.2.3"));
  });

  it("of a list allow only what is on it, and a name on it still reaches no private address", () => {
    const rules = ["api.example.com:443", "10.0.0.0/8", "[fd00::7]:1"];
    const { allow } = netFlags(rules, own);
    assert.deepEqual(allow, ["api.example.com:443", "10.0.0.0/8", "[fd00::7]:1"]);
    assert.ok(!denied(rules, "10.1.1.1"));
    assert.ok(denied(rules, "192.168.0.1"));
  });

  it("of an empty list allow nothing", () => assert.deepEqual(netFlags([], own).allow, []));
});

describe("the arguments for deno", () => {
  const settings = defaultSettings(limitsFromEnv({}));
  const sandbox = {
    settings,
    artifact: { path: "/d/bundle.mjs" },
    scratch: "/d/i/scratch",
    ownAddresses: [],
  };
  const flagsOf = (args: readonly string[]) =>
    new Map(args.filter((arg) => arg.startsWith("--")).map((arg) => arg.split(/=(.*)/s) as [string, string]));

  it("give files, environment and net, and nothing else", () => {
    const flags = flagsOf(denoRunArguments({ ...sandbox, listen: { unix: "/d/i/sock" } }));
    const allowed = [...flags.keys()].filter((flag) => flag.startsWith("--allow"));
    const wanted = ["--allow-env", "--allow-net", "--allow-read", "--allow-sys", "--allow-write"];
    assert.deepEqual(allowed.sort(), wanted);
    assert.equal(flags.get("--allow-sys"), "homedir");
    assert.equal(flags.get("--allow-read"), "/d/bundle.mjs,/d/i/scratch,/d/i/sock");
    assert.equal(flags.get("--allow-write"), "/d/i/scratch,/d/i/sock");
    assert.equal(flags.get("--v8-flags"), "--max-heap-size=96", "below the limit of the process");
    for (const flag of ["--no-prompt", "--no-remote", "--no-npm", "--no-config"])
      assert.ok(flags.has(flag), flag);
  });

  it("of a project read its folder, and nothing else of the machine, and fetch nothing", () => {
    const artifact = { path: "/d/project", project: { entry: "src/main.ts", replaced: [], importHosts: [] } };
    const args = denoRunArguments({ ...sandbox, artifact, listen: { unix: "/d/i/sock" } });
    const flags = flagsOf(args);
    assert.equal(flags.get("--allow-read"), "/d/project,/d/i/scratch,/d/i/sock");
    assert.equal(flags.get("--allow-write"), "/d/i/scratch,/d/i/sock");
    assert.equal(flags.get("--config"), "/d/project/deno.json");
    assert.equal(flags.get("--lock"), "/d/project/deno.lock");
    for (const flag of ["--frozen", "--cached-only", "--vendor", "--no-prompt", "--no-remote"])
      assert.ok(flags.has(flag), flag);
    assert.ok(!flags.has("--no-config") && !flags.has("--no-npm"));
  });

  it("of a project with remote modules allow the hosts of these modules alone", () => {
    const project = { entry: "main.ts", replaced: [], importHosts: ["esm.sh:443", "jsr.io:443"] };
    const artifact = { path: "/d/project", project };
    const flags = flagsOf(denoRunArguments({ ...sandbox, artifact, listen: { unix: "/d/i/sock" } }));
    assert.equal(flags.get("--allow-import"), "esm.sh:443,jsr.io:443");
    assert.ok(!flags.has("--no-remote"));
  });

  it("name the main module behind the runtime for a project, and the runtime alone for a module", () => {
    assert.deepEqual(programArguments("/r.mjs", { path: "/d/bundle.mjs" }), ["/r.mjs"]);
    assert.deepEqual(
      programArguments("/r.mjs", {
        path: "/d/project",
        project: { entry: "src/main.ts", replaced: [], importHosts: [] },
      }),
      ["--preload=/r.mjs", "/d/project/src/main.ts"],
    );
  });

  it("allow system information only as declared", () => {
    const permissions = { net: [], sys: ["cpus", "hostname"] };
    const args = denoRunArguments({
      ...sandbox,
      settings: { ...settings, permissions },
      listen: { unix: "/d/i/sock" },
    });
    assert.equal(flagsOf(args).get("--allow-sys"), "homedir,cpus,hostname");
    assert.equal(flagsOf(args).get("--allow-net"), "unix:/d/i/sock");
  });

  it("listen on a port in a pod, without a socket among the files", () => {
    const permissions = { net: ["a.example"], sys: [] };
    const listen = { port: 8_000 };
    const flags = flagsOf(denoRunArguments({ ...sandbox, settings: { ...settings, permissions }, listen }));
    assert.equal(flags.get("--allow-net"), "0.0.0.0:8000,a.example");
    assert.equal(flags.get("--allow-write"), "/d/i/scratch");
  });
});

describe("the plan of a launch", () => {
  let folder: string;
  let planner: LaunchPlanner;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-plan-"));
    planner = await denoPlanner(folder);
  });
  after(() => rmSync(folder, { recursive: true }));

  const settings = { ...defaultSettings(limitsFromEnv({})), env: { KEY: "value" } };
  const order = { name: "a", version: 3, settings, ownAddresses: [], nonce: "n" };
  const planOf = (artifact: LaunchPaths["artifact"]) =>
    planner.plan(order, {
      ...{ files: planner.files, artifact, socket: "/i/sock", scratch: "/i/scratch", cache: "/i/deno" },
    });

  it("of a module lets the runtime import it", () => {
    const { command, cwd, input } = planOf({ path: "/d/bundle.mjs" });
    assert.equal(command.at(-1), planner.files.program);
    assert.equal(cwd, undefined);
    assert.equal(JSON.parse(input).bundle, "file:///d/bundle.mjs");
  });

  it("of a project runs its main module in its folder, behind the runtime", () => {
    const { command, cwd, input, env } = planOf({
      path: "/d/project",
      project: { entry: "src/main.ts", replaced: [], importHosts: [] },
    });
    assert.deepEqual(command.slice(-2), [`--preload=${planner.files.program}`, "/d/project/src/main.ts"]);
    assert.equal(cwd, "/d/project");
    assert.equal(JSON.parse(input).bundle, undefined);
    assert.equal(env.TMPDIR, "/i/scratch");
    assert.equal(env.DENO_DIR, "/i/deno");
  });
});
