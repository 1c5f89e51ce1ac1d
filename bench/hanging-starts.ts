/**
 * Measures how hanging starts delay a deploy, a wake-up and a removal of other functions:
 * `node bench/hanging-starts.ts [STARTS]`, 16 by default.
 */
import { ms, printTable, type Row } from "./tools/report.ts";
import { SkiffProcess } from "./tools/skiff-process.ts";

const MOST_MS = 1_000;
/** Time in which all hanging starts should have a process. */
const STARTED_MS = 3_000;
const HI = `export default () => "hi";\n`;
const HANGING = {
  "that wait": "await new Promise((resolve) => setTimeout(resolve, 600_000));\n",
  "that loop": "for (;;);\n",
};

interface Times {
  readonly deploy: number;
  readonly wake: number;
  readonly remove: number;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const fromMs = performance.now();
  await work();
  return performance.now() - fromMs;
}

async function measure(skiff: SkiffProcess, round: string): Promise<Times> {
  const [cold, removed] = [`cold-${round}`, `removed-${round}`];
  const wake = () => fetch(`${skiff.url}/fn/${cold}`).then((response) => response.text());
  const remove = () => fetch(`${skiff.url}/func/${removed}`, { method: "DELETE" });
  return {
    deploy: await timed(() => skiff.deploy(`new-${round}`, HI)),
    wake: await timed(wake),
    remove: await timed(remove),
  };
}

export async function benchHangingStarts(count: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [how, source] of Object.entries(HANGING)) {
    const skiff = await SkiffProcess.start();
    const leaving = new AbortController();
    try {
      for (const round of ["alone", "beside"]) {
        await skiff.deploy(`cold-${round}`, HI, "idle=100ms");
        await skiff.stopped(`cold-${round}`);
        await skiff.deploy(`removed-${round}`, HI);
      }
      const alone = await measure(skiff, "alone");
      for (let index = 0; index < count; index++) {
        const options = { method: "POST", body: source, signal: leaving.signal };
        void fetch(`${skiff.url}/func?name=hanging-${index}`, options).catch(() => {});
      }
      // If there are fewer places for starts, fewer hang.
      const untilMs = performance.now() + STARTED_MS;
      while (skiff.children() < count && performance.now() < untilMs)
        await new Promise((resolve) => setTimeout(resolve, 10));
      const beside = await measure(skiff, "beside");
      for (const what of ["deploy", "wake", "remove"] as const) {
        const laterMs = beside[what] - alone[what];
        rows.push({
          what: `${what} beside ${count} starts ${how}`,
          figure: `${ms(alone[what])} → ${ms(beside[what])}`,
          target: `at most ${MOST_MS / 1_000} s later`,
          met: laterMs <= MOST_MS,
        });
      }
    } finally {
      leaving.abort();
      await skiff.close();
    }
  }
  return rows;
}

if (import.meta.main) printTable("Starts that hang", await benchHangingStarts(Number(process.argv[2] ?? 16)));
