import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPublicNetwork } from "../../../../platform/local/network/check-public-network.ts";
import { TABLE } from "../../../../platform/local/network/filter.ts";
import { type Host, THIS_MACHINE } from "../../../../platform/local/network/host.ts";
import { type Network, Networks, type NetworksOptions } from "../../../../platform/local/network/networks.ts";
import { findTools, outcomeOf, run } from "../../../../platform/local/network/tools.ts";
import { shortageOf } from "../../../../platform/shortage.ts";
import { eventually } from "../../../support/eventually.ts";
import { notTried } from "../../../support/not-tried.ts";

const NETWORKS = new URL("../../../../platform/local/network/networks.ts", import.meta.url).href;

/** Nothing here sends anything: the kernel is asked what it would do. */
describe("the networks of functions on this machine", function () {
  this.timeout(60_000);
  const temporary = mkdtempSync(join(tmpdir(), "skiff-test-networks-"));
  let networks: Networks | undefined;
  let probes = 0;

  async function probe(options: Partial<NetworksOptions> = {}): Promise<Networks | string> {
    const probed = await Networks.probe({
      folder: join(temporary, `${++probes}`),
      onLine: () => {},
      ...options,
    });
    return probed.available ? probed.networks : probed.reason;
  }

  before(async function () {
    const probed = await probe({ mostNetworks: 2 });
    if (typeof probed !== "string") {
      networks = probed;
      return;
    }
    notTried(this, probed);
  });

  after(async () => {
    await networks?.close();
    rmSync(temporary, { recursive: true });
  });

  function lookUp(network: Network, ...lookup: string[]): string {
    const [program = "", ...rest] = [...network.enter, "ip", ...lookup];
    try {
      return execFileSync(program, rest, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    } catch (error) {
      return String((error as { stderr: string }).stderr);
    }
  }

  it("say in a line how they work", () => {
    assert.match(networks!.describe(), /^network namespaces with a filter, IPv[46]/);
  });

  it("are shared by instances whose rules mean the same", async () => {
    const [one, two, other] = await Promise.all([
      networks!.for(["public"]),
      networks!.for(["api.example.com"]),
      networks!.for(["10.0.0.7:5432"]),
    ]);
    assert.deepEqual(one.enter, two.enter);
    assert.notDeepEqual(one.enter, other.enter);
    await Promise.all([one, two, other].map((network) => network.close()));
  });

  it("lead out to public addresses alone", async () => {
    const network = await networks!.for(["public"]);
    assert.match(lookUp(network, "route", "get", "1.1.1.1"), /dev tap0/);
    for (const address of ["10.0.0.1", "169.254.169.254", "192.168.1.1"]) {
      assert.match(lookUp(network, "route", "get", address), /No route to host/, address);
    }
    for (const address of ["fd00:ec2::254", "fe80::1", "64:ff9b::a00:1"]) {
      assert.match(lookUp(network, "-6", "route", "get", address), /No route to host|unreachable/, address);
    }
    await network.close();
  });

  it("are refused with an open closed address, without a way out, or without a filter", async () => {
    const tools = findTools();
    const families = await THIS_MACHINE.families(tools);
    const network = await networks!.for(["public"], true);
    const inside = (argv: readonly string[]) => [...network.enter, ...argv];
    const namespace = {
      run: (argv: readonly string[], input?: string) => run(inside(argv), input),
      outcomeOf: (argv: readonly string[], input?: string) => outcomeOf(inside(argv), input),
    };
    const check = () => checkPublicNetwork(namespace, { tools, families });
    const route = (...change: readonly string[]) => namespace.run([tools.ip, ...change]);
    await check();
    const opened = [["-4", "192.168.0.1"] as const, ...(families.ipv6 ? [["-6", "fe80::1"] as const] : [])];
    for (const [family, address] of opened) {
      await route(family, "route", "add", address, "dev", "tap0");
      await assert.rejects(check(), { message: new RegExp(`a route to the closed address ${address}:`) });
      await route(family, "route", "del", address, "dev", "tap0");
    }
    await check();
    await route("route", "add", "unreachable", "1.1.1.1");
    await assert.rejects(check(), /no route to public addresses/);
    await route("route", "del", "unreachable", "1.1.1.1");
    await namespace.run([tools.nft, "-f", "-"], `add chain ${TABLE} output { policy accept ; }`);
    await assert.rejects(check(), /has no filter/);
    await network.close();
  });

  it("cannot be changed by a function", async () => {
    const network = await networks!.for(["public"]);
    const bare = { ...network, enter: [...network.enter, ...AS_FUNCTION, "--"] };
    assert.match(lookUp(bare, "route", "replace", "10.0.0.0/8", "dev", "tap0"), /not permitted/);
    await network.close();
  });

  it("name the machine's servers for names, and none where no name is allowed", async () => {
    const [names, none] = await Promise.all([networks!.for(["public"]), networks!.for(["10.0.0.7"])]);
    assert.match(readFileSync(names.resolvConf, "utf8"), /^nameserver /m);
    assert.doesNotMatch(readFileSync(none.resolvConf, "utf8"), /^nameserver /m);
    await Promise.all([names.close(), none.close()]);
  });

  it("are no more than there may be; idle ones make room", async () => {
    const one = await networks!.for(["10.0.0.1"]);
    const two = await networks!.for(["10.0.0.2"]);
    await assert.rejects(networks!.for(["10.0.0.3"]), {
      code: "no_capacity",
      detail: /2 networks are in use/,
    });
    await two.close();
    const three = await networks!.for(["10.0.0.3"]);
    await Promise.all([one.close(), three.close()]);
  });

  it("need a rule", async () => {
    await assert.rejects(networks!.for([]), /without net rules/);
  });

  it("leave nothing when they are closed", async () => {
    const others = await probe();
    assert.ok(typeof others !== "string");
    const { enter, resolvConf } = await others.for(["public"]);
    const pid = holderOf(enter);
    assert.ok(isAlive(pid));
    await others.close();
    assert.ok(!isAlive(pid));
    assert.ok(!existsSync(resolvConf));
    await assert.rejects(others.for(["public"]), /closed/);
  });

  it("end with the process that made them, however it ends", async () => {
    const program = `
      const { Networks } = await import(${JSON.stringify(NETWORKS)});
      const { networks } = await Networks.probe({ folder: ${JSON.stringify(join(temporary, "killed"))}, onLine: () => {} });
      const { enter } = await networks.for(["public"]);
      const { readFileSync } = await import("node:fs");
      console.log(JSON.stringify([enter, readFileSync("/proc/self/task/" + process.pid + "/children", "utf8")]));
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [said] = await once(child.stdout, "data");
    const [enter, children] = JSON.parse(String(said)) as [string[], string];
    const pids = [holderOf(enter), ...children.trim().split(" ").map(Number)];
    assert.ok(pids.length >= 3 && pids.every(isAlive), `a holder and a way out: ${pids}`);
    child.kill("SIGKILL");
    await eventually("every process of the network ends", () => !pids.some(isAlive));
  });

  it("follow the machine's name servers", async () => {
    let etc = "nameserver 10.0.0.53\n";
    const host: Host = { ...THIS_MACHINE, resolverFiles: () => ({ etc, systemd: "" }) };
    const others = await probe({ host, watchMs: 10 });
    assert.ok(typeof others !== "string");
    const network = await others.for(["public"]);
    assert.match(lookUp(network, "route", "get", "10.0.0.53"), /dev tap0/);
    assert.match(lookUp(network, "route", "get", "10.0.0.54"), /No route to host/);
    etc = "nameserver 10.0.0.54\n";
    await eventually("the other name server is reachable", () =>
      /dev tap0/.test(lookUp(network, "route", "get", "10.0.0.54")),
    );
    assert.equal(readFileSync(network.resolvConf, "utf8"), etc);
    await others.close();
  });

  it("stay as they are, and say so once, while the machine cannot be asked, and follow it afterwards", async () => {
    let etc = "nameserver 10.0.0.53\n";
    let asked = 0;
    let hasFiles = true;
    const lines: string[] = [];
    const host: Host = {
      ...THIS_MACHINE,
      ownAddresses() {
        asked++;
        if (hasFiles) return THIS_MACHINE.ownAddresses();
        throw Object.assign(new Error("uv_interface_addresses"), {
          code: "ERR_SYSTEM_ERROR",
          info: { code: "EMFILE" },
        });
      },
      resolverFiles: () => ({ etc, systemd: "" }),
    };
    const others = await probe({ host, watchMs: 10, onLine: (text) => lines.push(text) });
    assert.ok(typeof others !== "string");
    try {
      const network = await others.for(["public"]);
      hasFiles = false;
      etc = "nameserver 10.0.0.54\n";
      const before = asked;
      await eventually("it was asked again", () => asked > before + 3);
      assert.match(readFileSync(network.resolvConf, "utf8"), /10\.0\.0\.53/);
      assert.equal(lines.filter((line) => /could not apply/.test(line)).length, 1, lines.join("\n"));
      await assert.rejects(others.for(["10.0.0.9"]), (error) => shortageOf(error) !== undefined);
      hasFiles = true;
      await eventually("they follow", () => readFileSync(network.resolvConf, "utf8") === etc);
    } finally {
      await others.close();
    }
  });
});

describe("networks that cannot be had", () => {
  const reasonFor = async (options: Partial<NetworksOptions>) => {
    const folder = join(tmpdir(), `skiff-test-no-networks-${process.pid}`);
    const probed = await Networks.probe({ folder, onLine: () => {}, ...options });
    if (!probed.available) return probed.reason;
    await probed.networks.close();
    return "available";
  };
  const families = { ipv4: true, ipv6: true };

  it("say that there is no default route, or no server for names", async function () {
    if (
      !/^no default|^this machine/.test(
        await reasonFor({
          host: { ...THIS_MACHINE, families: () => Promise.resolve({ ipv4: false, ipv6: false }) },
        }),
      )
    ) {
      notTried(this, "the tools are missing");
    }
    const host = {
      ...THIS_MACHINE,
      families: () => Promise.resolve(families),
      resolverFiles: () => ({ etc: "nameserver 127.0.0.11\n", systemd: "" }),
    };
    assert.match(await reasonFor({ host }), /server of this machine is on loopback but not at 127.0.0.1/);
  });
});

/**
 * What a sandbox does to functions. Root takes another user: whoever has the one that owns the namespace
 * has every capability in it, without a capability of its own.
 */
const AS_FUNCTION =
  process.getuid?.() === 0
    ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--no-new-privs"]
    : ["unshare", "--user"];

function holderOf(enter: readonly string[]): number {
  return Number(/\/proc\/(\d+)\//.exec(enter.join(" "))?.[1]);
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
