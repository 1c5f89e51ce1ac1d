import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { type Network, Networks } from "../../../platform/local/network/networks.ts";
import { eventually } from "../eventually.ts";
import { Laboratory } from "./laboratory.ts";

/** Runs in a network namespace of its own and prints what came of each attempt, as JSON. */
const laboratory = new Laboratory();
const outcomes: Record<string, string> = {};
const lines: string[] = [];

await laboratory.open();
const probed = await Networks.probe({
  folder: process.argv[2]!,
  host: laboratory.host,
  onLine: (text) => lines.push(text),
  watchMs: 20,
  idleMs: 20,
});
if (!probed.available) {
  console.log(JSON.stringify({ missing: probed.reason }));
} else {
  try {
    await attempt(probed.networks);
  } finally {
    await probed.networks.close();
  }
  console.log(JSON.stringify(outcomes));
}
laboratory.close();

async function attempt(networks: Networks): Promise<void> {
  const open = await networks.for(["public"]);
  const listed = await networks.for(["10.1.1.1:8080", "[fd00:1::7]", "127.0.0.1:8080"]);
  const ranged = await networks.for(["public", "10.1.1.0/24", "100.65.0.1"]);
  const named = await networks.for(["public.test"]);
  await laboratory.neighbour(open);
  const tried = (title: string, network: Network, address: string, options?: { bound: boolean }) => {
    outcomes[`${title} ${address}`] = laboratory.get(network, `http://${address}/`, options);
  };
  for (const address of ["9.9.9.9:8080", "[2a00::9]:8080", "[::ffff:9.9.9.9]:8080", "public.test:8080"]) {
    tried("public", open, address);
  }
  const closed = [
    ...["10.1.1.1:8080", "169.254.169.254:8080", "168.63.129.16:8080", "10.1.1.53:8080"],
    ...["100.65.0.1:8080", "9.9.9.1:8080", "192.0.0.1:8080"],
    ...["[fd00:1::7]:8080", "[fd77::1]:8080", "[64:ff9b::a01:101]:8080", "[2002:a01:101::1]:8080"],
  ];
  for (const address of closed) {
    tried("public", open, address);
    tried("bound", open, address, { bound: true });
  }
  const others = ["[::ffff:10.1.1.1]:8080", "private.test:8080", "mapped.test:8080", "127.0.0.1:8081"];
  for (const address of [...others, "127.0.0.1:8080", "[::1]:8080", "192.0.0.2:8080"]) {
    tried("public", open, address);
  }
  for (const address of ["10.1.1.1:8080", "[fd00:1::7]:8080", "127.0.0.1:8080"])
    tried("listed", listed, address);
  const unlisted = ["10.1.1.1:8081", "10.1.1.2:8080", "[fd00:1::8]:8080", "127.0.0.1:8081", "9.9.9.9:8080"];
  for (const address of [...unlisted, "[2a00::9]:8080"]) tried("listed", listed, address);
  for (const address of ["10.1.1.2:8081", "100.65.0.1:8080", "9.9.9.1:8080"])
    tried("ranged", ranged, address);
  for (const address of ["public.test:8080", "private.test:8080"]) tried("named", named, address);

  tried("before it is the machine's", open, "9.9.9.2:8080");
  await laboratory.ip(["addr add 9.9.9.2/32 dev lo"]);
  await eventually("the machine's new address is closed", () => {
    tried("after it is the machine's", open, "9.9.9.2:8080");
    return outcomes["after it is the machine's 9.9.9.2:8080"]?.startsWith("curl") === true;
  });

  process.kill(uplinkOf(open));
  await eventually("another way out", () => {
    tried("after the way out ended", open, "9.9.9.9:8080");
    return outcomes["after the way out ended 9.9.9.9:8080"] === "world";
  });
  tried("after the way out ended", open, "10.1.1.1:8080", { bound: true });
  outcomes["said of it"] = lines.join("\n");

  process.kill(holderOf(open), "SIGKILL");
  await eventually("another namespace", async () => {
    const next = await networks.for(["public"]);
    await next.close();
    return holderOf(next) !== holderOf(open);
  });
  tried("in another namespace", await networks.for(["public"]), "9.9.9.9:8080");

  // Shows that the attempts above can succeed: without the filter they do.
  execFileSync("nsenter", [...ranged.enter.slice(1), "nft", "delete", "table", "inet", "skiff"]);
  tried("without a filter", ranged, "[fd00:1::7]:8080", { bound: true });
  tried("without a filter", ranged, "9.9.9.1:8080");

  const holder = holderOf(listed);
  await listed.close();
  await eventually("a network that nobody uses ends", () => !isAlive(holder));
  outcomes["unused networks end"] = "true";
}

function holderOf({ enter }: Network): number {
  return Number(/\/proc\/(\d+)\//.exec(enter.join(" "))?.[1]);
}

/** The child of this process that serves the namespace of a network. */
function uplinkOf(network: Network): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ");
  const commandOf = (pid: string) => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  const found = children.find((pid) => commandOf(pid).includes(String(holderOf(network))));
  return Number(found);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
