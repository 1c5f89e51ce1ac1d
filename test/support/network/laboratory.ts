import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Host, THIS_MACHINE } from "../../../platform/local/network/host.ts";
import type { Network } from "../../../platform/local/network/networks.ts";
import { run } from "../../../platform/local/network/tools.ts";

const WORLD = fileURLToPath(new URL("outside-world.ts", import.meta.url));
export const DNS = "10.1.1.53";
const OUTSIDE = [
  ...["9.9.9.9", "9.9.9.2", "10.1.1.1", "10.1.1.2", DNS, "169.254.169.254", "168.63.129.16"].map(
    (address) => `addr add ${address}/32 dev lo`,
  ),
  ...["2a00::9", "fd00:1::7", "fd00:1::8", "64:ff9b::a01:101", "2002:a01:101::1"].map(
    (address) => `addr add ${address}/128 dev lo nodad`,
  ),
];

/**
 * Must run in a network namespace of its own, which plays the machine; a second one plays everything else.
 * A line between them is all there is, so nothing that is sent leaves the laboratory.
 */
export class Laboratory {
  readonly #children: ChildProcess[] = [];
  readonly host: Host = {
    ...THIS_MACHINE,
    resolverFiles: () => ({ etc: `nameserver ${DNS}\n`, systemd: "" }),
  };

  async open(): Promise<void> {
    const world = spawn("unshare", ["--net", "--", "cat"], { stdio: ["pipe", "pipe", "inherit"] });
    this.#children.push(world);
    world.stdin.write("\n");
    await once(world.stdout, "data", { signal: AbortSignal.timeout(5_000) });
    const inWorld = ["nsenter", `--net=/proc/${world.pid}/ns/net`, "--"];
    await this.ip([
      "link set lo up",
      `link add line type veth peer name line netns ${world.pid}`,
      "addr add 100.65.0.1/24 dev line",
      "addr add fd77::1/64 dev line nodad",
      "addr add 9.9.9.1/32 dev lo",
      "link set line up",
      "route add default via 100.65.0.2",
    ]);
    const outside = [
      "link set lo up",
      "addr add 100.65.0.2/24 dev line",
      "addr add fd77::2/64 dev line nodad",
      "link set line up",
      ...OUTSIDE,
    ];
    await run([...inWorld, "ip", "-batch", "-"], `${outside.join("\n")}\n`);
    await run(["ip", "-6", "route", "add", "default", "via", "fd77::2"]);
    await this.#serve(["world", DNS], inWorld);
    await this.#serve(["machine"], []);
    // Neighbours need a moment to find each other.
    for (const address of ["9.9.9.9", "[2a00::9]"]) {
      const reached = () => fetch(`http://${address}:8080/`, { signal: AbortSignal.timeout(3_000) });
      assert.equal(await (await reached()).text(), "world");
    }
  }

  ip(lines: readonly string[]): Promise<string> {
    return run(["ip", "-batch", "-"], `${lines.join("\n")}\n`);
  }

  /** A server that a function of this network started. */
  async neighbour({ enter }: Network): Promise<void> {
    await this.#serve(["neighbour"], enter);
  }

  /** What curl gets in a network: the body, or how it failed. `bound` to the interface it evades routes. */
  get(network: Network, url: string, { bound = false } = {}): string {
    const curl = ["curl", "--silent", "--globoff", "--max-time", "1", "--noproxy", "*"];
    const bind = bound ? ["--interface", "if!tap0"] : [];
    const command = `mount --bind ${network.resolvConf} /etc/resolv.conf && exec "$@"`;
    const inside = ["unshare", "--mount", "sh", "-c", command, "sh", ...curl, ...bind, url];
    const [program = "", ...rest] = [...network.enter, ...inside];
    try {
      return execFileSync(program, rest, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    } catch (error) {
      return `curl ${(error as { status: number }).status}`;
    }
  }

  close(): void {
    for (const child of this.#children) child.kill("SIGKILL");
  }

  async #serve(what: readonly string[], prefix: readonly string[]): Promise<void> {
    const [program = "", ...rest] = [...prefix, process.execPath, WORLD, ...what];
    const child = spawn(program, rest, { stdio: ["pipe", "pipe", "inherit"] });
    this.#children.push(child);
    await once(child.stdout, "data", { signal: AbortSignal.timeout(5_000) });
  }
}
