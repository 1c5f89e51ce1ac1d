/**
 * Measures how much memory of each kind an instance with 128 MiB allocates before it is ended:
 * `node bench/memory-limit.ts [sampled]`. A control group around the whole run measures it, so the user must be allowed
 * to create one. With `sampled` Skiff itself uses no control group.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { limitsFromEnv } from "../platform/limits.ts";
import { LocalPlatform } from "../platform/local/local-platform.ts";
import { call } from "../test/support/instances/call-instance.ts";
import { publish, servingOf } from "../test/support/platform/deploying.ts";
import { draftOf } from "../test/support/platform/draft.ts";
import { printTable, type Row } from "./tools/report.ts";

const LIMIT_MIB = 128;
/** Memory that the kernel holds for a process, and growth between two samples. */
const TARGET_MIB = 2 * LIMIT_MIB;
const ATTACK_MS = 15_000;
const END_MS = 1_000;

/** Bodies of handlers that allocate without end; `pause()` lets the event loop run. */
const ATTACKS: Readonly<Record<string, string>> = {
  "JavaScript objects": `for (;;) { kept.push(Array.from({ length: 20_000 }, Math.random)); await pause(); }`,
  ArrayBuffer: `for (;;) { kept.push(new Uint8Array(2 ** 20).fill(1)); await pause(); }`,
  SharedArrayBuffer: `for (;;) { kept.push(new Uint8Array(new SharedArrayBuffer(2 ** 20)).fill(1)); await pause(); }`,
  "SharedArrayBuffer, at once": `kept.push(new Uint8Array(new SharedArrayBuffer(2 ** 30)).fill(1)); await pause(); for (;;) await pause();`,
  "WebAssembly.Memory": `
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 32_768 });
    for (;;) { const from = memory.grow(16) * 65_536; new Uint8Array(memory.buffer, from).fill(1); await pause(); }`,
  "WebAssembly.Memory, shared": `
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 32_768, shared: true });
    for (;;) { const from = memory.grow(16) * 65_536; new Uint8Array(memory.buffer, from).fill(1); await pause(); }`,
  "Unix sockets": `
    const listener = Deno.listen({ transport: "unix", path: "self" });
    for (;;) {
      const [one, other] = await Promise.all([Deno.connect({ transport: "unix", path: "self" }), listener.accept()]);
      kept.push(one, other);
      for (const each of [one, other]) each.write(new Uint8Array(2 ** 20)).catch(() => {});
    }`,
  "page tables": `
    for (;;) {
      const memory = new WebAssembly.Memory({ initial: 0, maximum: 65_536, shared: true });
      kept.push(memory);
      memory.grow(65_535);
      const bytes = new Uint8Array(memory.buffer);
      for (let at = 0; at < bytes.length; at += 2 ** 21) { bytes[at]; Atomics.load(bytes, at); }
      await pause();
    }`,
  workers: `
    const code = URL.createObjectURL(new Blob(["const kept = []; setInterval(() => kept.push(new Uint8Array(2 ** 20).fill(1)), 50)"]));
    for (;;) { kept.push(new Worker(code, { type: "module" })); await pause(); }`,
  "scratch folder": `
    const file = Deno.openSync("filling", { create: true, append: true });
    for (;;) { file.writeSync(new Uint8Array(2 ** 20).fill(1)); await pause(); }`,
};

const code = (attack: string) => `
  const kept = [];
  const pause = () => new Promise((resolve) => setTimeout(resolve));
  export default async () => { ${attack} };`;

/** Memory of a control group in MiB, without the page cache. */
function heldMiB(group: Group): number {
  const stat = readFileSync(join(group.path, "memory.stat"), "utf8");
  const value = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(stat)?.[1] ?? 0);
  const file = (name: string) => Number(readFileSync(join(group.path, name), "utf8"));
  const bytes = group.isV1
    ? value("total_rss") + value("total_shmem") + file("memory.kmem.usage_in_bytes")
    : value("anon") + value("shmem") + value("kernel") + value("sock") - value("slab_reclaimable");
  return bytes / 2 ** 20;
}

interface Group {
  readonly path: string;
  readonly isV1: boolean;
}

function makeGroup(): Group {
  const lines = readFileSync("/proc/self/cgroup", "utf8").split("\n");
  const v1 = lines.find((line) => line.split(":")[1] === "memory");
  const own = (v1 ?? lines.find((line) => line.startsWith("0::")))!.split(":")[2]!;
  const root = v1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
  const path = join(root, own, `skiff-bench-${process.pid}`);
  mkdirSync(path);
  return { path, isV1: v1 !== undefined };
}

/** Runs one attack on one platform inside the group. Prints when it begins and how it ends. */
async function attack(kind: string, useGroups: boolean): Promise<void> {
  const dataFolder = mkdtempSync(join(tmpdir(), "skiff-bench-"));
  const platform = await LocalPlatform.open({ dataFolder, limits: limitsFromEnv({}), useGroups });
  const draft = draftOf("attack", code(ATTACKS[kind]!), { memoryMiB: LIMIT_MIB });
  await publish(platform, draft);
  const { address } = servingOf(platform, "attack")!.instances[0]!;
  process.stdout.write("begin\n");
  await call(address, { signal: AbortSignal.timeout(ATTACK_MS) }).catch(() => {});
  // The instance ends after its connections.
  await setTimeout(END_MS);
  const { lastErrors } = (await platform.describe("attack"))!;
  process.stdout.write(`${lastErrors.at(-1)?.message.replace(/^instance \w+ /, "") ?? "not ended"}\n`);
  await platform.close({ drainMs: 0 });
  rmSync(dataFolder, { recursive: true, force: true });
}

async function measure(group: Group, kind: string, mode: string): Promise<Row> {
  const file = fileURLToPath(import.meta.url);
  const child = spawn(
    "sh",
    ["-c", `echo $$ > '${group.path}/cgroup.procs' && exec "$@"`, "sh", process.execPath, file, kind, mode],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let output = "";
  let before: number | undefined;
  let most = 0;
  const sample = setInterval(() => {
    if (before !== undefined) most = Math.max(most, heldMiB(group) - before);
  }, 5);
  child.stdout.on("data", (chunk) => {
    output += chunk;
    before ??= heldMiB(group);
  });
  await new Promise((resolve) => child.once("close", resolve));
  clearInterval(sample);
  const how = output.split("\n")[1];
  return {
    what: kind,
    figure: `${most.toFixed(0)} MiB more than at its start; ${how}`,
    target: `at most ${TARGET_MIB} MiB`,
    met: most <= TARGET_MIB,
  };
}

const [, , first, second] = process.argv;
if (first !== undefined && first in ATTACKS) await attack(first, second !== "sampled");
else {
  const group = makeGroup();
  const rows: Row[] = [];
  for (const kind of Object.keys(ATTACKS)) {
    rows.push(await measure(group, kind, first ?? "groups"));
  }
  rmdirSync(group.path);
  printTable(`What ${LIMIT_MIB} MiB allow (${first ?? "groups"})`, rows);
}
