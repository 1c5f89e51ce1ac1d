import assert from "node:assert/strict";
import { enterArguments } from "../../../../platform/local/network/namespace.ts";
import { findTools, type Tools } from "../../../../platform/local/network/tools.ts";
import { uplinkArguments } from "../../../../platform/local/network/uplink.ts";

const TOOLS: Tools = {
  ip: "/sbin/ip",
  nft: "/sbin/nft",
  nsenter: "/bin/nsenter",
  pasta: "/bin/pasta",
  setpriv: "/bin/setpriv",
  unshare: "/bin/unshare",
};

describe("the commands of a network", () => {
  it("enter with the user namespace unless root does", () => {
    assert.deepEqual(enterArguments(TOOLS, 7, true), ["/bin/nsenter", "--net=/proc/7/ns/net", "--"]);
    assert.deepEqual(enterArguments(TOOLS, 7, false), [
      "/bin/nsenter",
      "--user=/proc/7/ns/user",
      "--preserve-credentials",
      "--net=/proc/7/ns/net",
      "--",
    ]);
  });

  it("carry nothing in, and nothing out to loopback that no rule opens", () => {
    const options = { pid: 7, families: { ipv4: true, ipv6: false }, pidFile: "/t/pid", isRoot: false };
    const following = (argv: string[], flag: string) => argv[argv.indexOf(flag) + 1];
    const argv = uplinkArguments(TOOLS, { ...options, loopback: [] });
    assert.deepEqual(argv.slice(0, 4), ["/bin/setpriv", "--pdeathsig", "KILL", "/bin/pasta"]);
    for (const flag of ["--tcp-ports", "--udp-ports", "--tcp-ns", "--udp-ns"]) {
      assert.equal(following(argv, flag), "none", flag);
    }
    assert.ok(argv.includes("--no-map-gw") && argv.includes("--ipv4-only"));
    assert.ok(!argv.includes("--runas"));
    assert.equal(argv.at(-1), "7");
    assert.equal(
      following(uplinkArguments(TOOLS, { ...options, loopback: [53, 5432] }), "--tcp-ns"),
      "53,5432",
    );
    assert.equal(following(uplinkArguments(TOOLS, { ...options, loopback: "all" }), "--udp-ns"), "auto");
    assert.equal(
      following(uplinkArguments(TOOLS, { ...options, loopback: [], isRoot: true }), "--runas"),
      "0",
    );
  });

  it("say which packages are missing", () => {
    assert.throws(() => findTools("", []), /pasta, .* not found \(packages: .*passt/);
  });
});
