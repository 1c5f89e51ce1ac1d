/**
 * Measures commands over /exec: beside `podman run` of the same on the engine of `DOCKER_HOST`, and beside a bare spawn
 * for image=host. `node bench/programs/commands.ts [ROUNDS] [IMAGE]`.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { figureOf } from "../start-up.ts";
import { median, ms, printTable, type Row } from "../tools/report.ts";
import { SkiffProcess } from "../tools/skiff-process.ts";

/** Most time over `podman run`, in milliseconds. */
const MOST_OVER_ENGINE_MS = 20;
const WORD = "hello";

async function timed(work: () => Promise<string>): Promise<number> {
  const sinceMs = performance.now();
  const output = await work();
  const tookMs = performance.now() - sinceMs;
  if (output !== `${WORD}\n`) throw new Error(`the command printed ${JSON.stringify(output)}`);
  return tookMs;
}

async function run(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [output] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return output;
}

async function exec(skiff: SkiffProcess, image: string): Promise<string> {
  const query = new URLSearchParams([["image", image], ...["echo", WORD].map((arg) => ["arg", arg])]);
  const response = await fetch(`${skiff.url}/exec?${query}`);
  const output = await response.text();
  if (!response.ok) throw new Error(output);
  return output;
}

interface Pair {
  readonly bare: () => Promise<string>;
  readonly ours: () => Promise<string>;
}

async function compare({ bare, ours }: Pair, rounds: number) {
  const times: [number[], number[]] = [[], []];
  // The first of each fills caches.
  for (const each of [bare, ours]) await each();
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const);
    for (const index of order) times[index].push(await timed([bare, ours][index]!));
  }
  const [bareMs, oursMs] = times;
  return { bareMs, oursMs, overMs: median(oursMs) - median(bareMs) };
}

async function benchHost(skiff: SkiffProcess, rounds: number): Promise<Row[]> {
  const host = await compare({ bare: () => run("echo", [WORD]), ours: () => exec(skiff, "host") }, rounds);
  return [
    { what: "bare spawn of the same", figure: figureOf(host.bareMs) },
    { what: "command with image=host", figure: `${figureOf(host.oursMs)}, ${ms(host.overMs)} over it` },
  ];
}

function hasImage(image: string): boolean {
  return spawnSync("podman", ["image", "exists", image], { stdio: "ignore" }).status === 0;
}

/** Without Podman or the image it measures image=host alone. */
export async function benchCommands(
  skiff: SkiffProcess,
  rounds = 15,
  image = "localhost/box:1",
): Promise<Row[]> {
  const args = ["run", "--rm", "--network", "none", image, "echo", WORD];
  if (!hasImage(image)) return await benchHost(skiff, rounds);
  const engine = await compare({ bare: () => run("podman", args), ours: () => exec(skiff, image) }, rounds);
  return [
    { what: "podman run of the same", figure: figureOf(engine.bareMs) },
    {
      what: "command in an image",
      figure: `${figureOf(engine.oursMs)}, ${ms(engine.overMs)} over it`,
      target: `at most ${MOST_OVER_ENGINE_MS} ms over it`,
      met: engine.overMs <= MOST_OVER_ENGINE_MS,
    },
    ...(await benchHost(skiff, rounds)),
  ];
}

if (import.meta.main) {
  const [rounds = "15", image] = process.argv.slice(2);
  const skiff = await SkiffProcess.start();
  try {
    printTable("Commands", await benchCommands(skiff, Number(rounds), image));
  } finally {
    await skiff.close();
  }
}
