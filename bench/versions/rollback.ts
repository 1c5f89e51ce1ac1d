/**
 * The time of a rollback on one machine, from the request to the first call that the other version answers:
 * `node bench/versions/rollback.ts [ROUNDS]`, 30 by default. The target is one second.
 */
import { median, ms, printTable } from "../tools/report.ts";
import { SkiffProcess } from "../tools/skiff-process.ts";

const TARGET_MS = 1_000;
const rounds = Number(process.argv[2] ?? 30);

const skiff = await SkiffProcess.start();
const request = async (method: string, path: string, body?: string) => {
  const response = await fetch(`${skiff.url}${path}`, { method, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${text}`);
  return text;
};

async function measure(name: string, settle: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await settle();
    const before = await request("GET", `/fn/${name}@${1 + (round % 2)}`);
    await settle();
    const fromMs = performance.now();
    await request("POST", `/func/${name}/rollback`);
    const text = await request("GET", `/fn/${name}`);
    times.push(performance.now() - fromMs);
    if (text !== before) throw new Error(`the rollback led to ${text}, not to ${before}`);
  }
  return times.sort((a, b) => a - b);
}

try {
  for (const [name, idle] of [
    ["sleeping", "idle=100ms"],
    ["running", ""],
  ]) {
    for (const version of [1, 2]) {
      await request("POST", `/func?name=${name}&${idle}`, `export default () => "version ${version}";`);
    }
  }
  const figures = {
    "the version before has no instance": await measure("sleeping", () => skiff.stopped("sleeping")),
    "the version before was called a moment ago": await measure("running", () => Promise.resolve()),
  };
  printTable(
    `A rollback and the first call after it, ${rounds} rounds`,
    Object.entries(figures).map(([what, times]) => {
      const most = times.at(-1)!;
      const figure = `${ms(median(times))} at the median, at most ${ms(most)}`;
      return { what, figure, target: `< ${TARGET_MS / 1_000} s`, met: most < TARGET_MS };
    }),
  );
} finally {
  await skiff.close();
}
