/**
 * Measures how functions that compute without end slow down deploys and calls of another function:
 * `node bench/spinners.ts [SPINNERS]`, 10 by default.
 */
import { openLoad } from "./tools/open-load.ts";
import { median, ms, printTable, type Row } from "./tools/report.ts";
import { SkiffProcess } from "./tools/skiff-process.ts";

const MOST_TIMES = 3;
const PER_SECOND = 50;
const LOAD_MS = 6_000;
const DEPLOYS = 15;
/** Time in which Skiff detects functions that spin. */
const SETTLE_MS = 4_000;
const ROUNDS = 2;

const SPIN = "export default () => { for (;;); };\n";
const HI = `export default () => "hi";\n`;

interface Figures {
  readonly p99Ms: number;
  readonly deployMs: number;
}

async function measure(skiff: SkiffProcess, round: string): Promise<Figures> {
  const port = Number(new URL(skiff.url).port);
  const { good } = await openLoad({ port, path: "/fn/other", perSecond: PER_SECOND, timeMs: LOAD_MS });
  const deploysMs: number[] = [];
  for (let number = 0; number < DEPLOYS; number++) {
    const fromMs = performance.now();
    await skiff.deploy(`new-${number}`, `${HI}// ${round}\n`);
    deploysMs.push(performance.now() - fromMs);
  }
  return { p99Ms: good.p99Ms, deployMs: median(deploysMs) };
}

export async function benchSpinners(count: number): Promise<Row[]> {
  const skiff = await SkiffProcess.start();
  const leaving = new AbortController();
  try {
    await skiff.deploy("other", HI, "min=1");
    await measure(skiff, "warm");
    const idle: Figures[] = [];
    for (let round = 0; round < ROUNDS; round++) idle.push(await measure(skiff, `idle ${round}`));
    const names = Array.from({ length: count }, (_, index) => `spin-${index}`);
    await Promise.all(names.map((name) => skiff.deploy(name, SPIN, "timeout=10m")));
    for (const name of names)
      void fetch(`${skiff.url}/fn/${name}`, { signal: leaving.signal }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const beside: Figures[] = [];
    for (let round = 0; round < ROUNDS; round++) beside.push(await measure(skiff, `beside ${round}`));
    const row = (what: string, of: (figures: Figures) => number): Row => {
      const [alone, together] = [median(idle.map(of)), median(beside.map(of))];
      const ratio = together / alone;
      return {
        what: `${what} beside ${count} that spin`,
        figure: `${ms(alone)} → ${ms(together)} = ${ratio.toFixed(2)} ×`,
        target: `at most ${MOST_TIMES} ×`,
        met: ratio <= MOST_TIMES,
      };
    };
    return [
      row("p99 of another function's calls", (it) => it.p99Ms),
      row("median deploy", (it) => it.deployMs),
    ];
  } finally {
    leaving.abort();
    await skiff.close();
  }
}

if (import.meta.main) {
  printTable("Functions that spin", await benchSpinners(Number(process.argv[2] ?? 10)));
}
