/**
 * Deploys many functions in parallel with little memory, and then calls each once:
 * `node bench/many-deploys.ts [FUNCTIONS] [SKIFF_MEMORY]`, 1000 and 1Gi by default.
 */
import { processTree } from "../process/proc/process-tree.ts";
import { fieldOf, SmallFiles } from "../process/proc/small-files.ts";
import { ms, printTable, type Row } from "./tools/report.ts";
import { SkiffProcess } from "./tools/skiff-process.ts";

const WITHIN_MS = 60_000;
const DEPLOYERS = 16;
const CALLERS = 16;
const SAMPLE_MS = 100;

interface Most {
  processes: number;
  /** Private memory of all instances, from `/proc`. */
  memoryMiB: number;
}

/** Sums the memory of Deno over all descendants of Skiff, because an instance may be inside a sandbox. */
function held(skiff: number): Most {
  const files = new SmallFiles();
  const most: Most = { processes: 0, memoryMiB: 0 };
  for (const pid of processTree(files, skiff, { most: Number.POSITIVE_INFINITY })) {
    const status = files.text(`/proc/${pid}/status`);
    if (!status?.startsWith("Name:\tdeno\n")) continue;
    most.processes++;
    most.memoryMiB += fieldOf(status, "RssAnon:") / 1024;
  }
  return most;
}

/** Runs `work` for every number below `count` in parallel. Returns the durations. */
async function all(
  count: number,
  atATime: number,
  work: (index: number) => Promise<void>,
): Promise<number[]> {
  let next = 0;
  const times: number[] = [];
  const worker = async () => {
    for (let index = next++; index < count; index = next++) {
      const from = performance.now();
      await work(index);
      times.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  return times.sort((a, b) => a - b);
}

export async function benchManyDeploys(count: number, memory: string): Promise<Row[]> {
  const skiff = await SkiffProcess.start({ SKIFF_MEMORY: memory });
  const most: Most = { processes: 0, memoryMiB: 0 };
  const sampler = setInterval(() => {
    const { processes, memoryMiB } = held(skiff.pid);
    most.processes = Math.max(most.processes, processes);
    most.memoryMiB = Math.max(most.memoryMiB, memoryMiB);
  }, SAMPLE_MS);
  try {
    const refused = new Map<string, number>();
    const count_ = (what: string) => refused.set(what, (refused.get(what) ?? 0) + 1);
    const from = performance.now();
    const deploys = await all(count, DEPLOYERS, async (index) => {
      const source = `export default () => "answer ${index}";\n`;
      const response = await fetch(`${skiff.url}/func?name=f-${index}`, { method: "POST", body: source });
      const text = await response.text();
      if (response.status !== 201) count_(`${response.status} ${text.slice(0, 200)}`);
    });
    const deployedMs = performance.now() - from;
    const calls = await all(count, CALLERS, async (index) => {
      const response = await fetch(`${skiff.url}/fn/f-${index}`);
      const text = await response.text();
      if (text !== `answer ${index}`) count_(`call ${response.status} ${text.slice(0, 200)}`);
    });
    const at = (times: readonly number[], share: number) => times[Math.floor(times.length * share)] ?? 0;
    const refusals = [...refused].map(([what, times]) => `${times} × ${what}`).join("; ");
    return [
      {
        what: `${count} deploys, ${DEPLOYERS} at a time`,
        figure: `${(deployedMs / 1_000).toFixed(1)} s; p50 ${ms(at(deploys, 0.5))}, p99 ${ms(at(deploys, 0.99))}`,
        target: `within ${WITHIN_MS / 1_000} s`,
        met: deployedMs <= WITHIN_MS,
      },
      {
        what: `a call of each, ${CALLERS} at a time`,
        figure: `p50 ${ms(at(calls, 0.5))}, p99 ${ms(at(calls, 0.99))}`,
      },
      {
        what: "not acknowledged, or not answered",
        figure: refusals === "" ? "0" : refusals,
        target: "0",
        met: refused.size === 0,
      },
      {
        what: "instances at once, private memory",
        figure: `${most.processes}, ${most.memoryMiB.toFixed(0)} MiB`,
      },
    ];
  } finally {
    clearInterval(sampler);
    await skiff.close();
  }
}

if (import.meta.main) {
  const [, , count = "1000", memory = "1Gi"] = process.argv;
  printTable(`Functions under SKIFF_MEMORY=${memory}`, await benchManyDeploys(Number(count), memory));
}
