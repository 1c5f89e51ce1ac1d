/**
 * Measures `skiff dev`: the time from a save to the answer after which calls get the new version, for a file, a file
 * with an import, and a folder. A deploy of the same source by HTTP is the peer: `node bench/cli/dev.ts [SAVES]`.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { median, ms, printTable, type Row } from "../tools/report.ts";
import { SkiffProcess } from "../tools/skiff-process.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/skiff.js", import.meta.url));
const TARGET_MS = 300;
const WITHIN_MS = 30_000;

interface Case {
  readonly what: string;
  /** What `skiff dev` gets. */
  readonly path: string;
  readonly files: Readonly<Record<string, string>>;
  /** The file that is saved, with a number that changes. */
  readonly saved: (count: number) => readonly [file: string, text: string];
}

const CASES: readonly Case[] = [
  {
    what: "a file",
    path: "alone.ts",
    files: {},
    saved: (count) => ["alone.ts", `export default () => "${count}";\n`],
  },
  {
    what: "what a file imports",
    path: "importing.ts",
    files: { "importing.ts": 'import { count } from "./lib/count.ts";\nexport default () => count;\n' },
    saved: (count) => ["lib/count.ts", `export const count: string = "${count}";\n`],
  },
  {
    what: "a file of a folder",
    path: "app",
    files: { "app/skiff.yaml": "memory: 128Mi\n", "app/note.txt": "a note" },
    saved: (count) => ["app/main.ts", `export default () => "${count}";\n`],
  },
];

/** Saves and waits until a call has the new answer. Returns the times of the saves and of deploys by HTTP. */
async function measure(
  skiff: SkiffProcess,
  { path, files, saved }: Case,
  saves: number,
): Promise<[number[], number[]]> {
  const folder = mkdtempSync(join(tmpdir(), "skiff-bench-dev-"));
  const write = ([file, text]: readonly [string, string]) => {
    mkdirSync(join(folder, file, ".."), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  for (const file of Object.entries(files)) write(file);
  write(saved(0));
  const dev = spawn(process.execPath, [PROGRAM, "dev", path, "--url", skiff.url, "--json"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: dev.stdout })[Symbol.asyncIterator]();
  const deployed = async () => {
    const deadline = performance.now() + WITHIN_MS;
    for (let line = await lines.next(); !line.done; line = await lines.next()) {
      const { event, url } = JSON.parse(line.value) as { event: string; url: string };
      if (event === "deployed") return url;
      if (event === "failed" || performance.now() > deadline) throw new Error(line.value);
    }
    throw new Error("skiff dev has ended");
  };
  try {
    const url = await deployed();
    const times: number[] = [];
    const peers: number[] = [];
    for (let count = 1; count <= saves; count++) {
      const from = performance.now();
      write(saved(count));
      await deployed();
      times.push(performance.now() - from);
      const answer = await (await fetch(url)).text();
      if (answer !== String(count)) throw new Error(`the call after save ${count} answered ${answer}`);
      peers.push(await deployByHttp(skiff, count));
    }
    return [times, peers];
  } finally {
    dev.kill("SIGTERM");
    rmSync(folder, { recursive: true });
  }
}

async function deployByHttp({ url }: SkiffProcess, count: number): Promise<number> {
  const from = performance.now();
  const body = `export default () => "peer ${count}";\n`;
  const response = await fetch(`${url}/func?name=peer`, { method: "POST", body });
  await response.text();
  return performance.now() - from;
}

export async function benchDev(saves: number): Promise<Row[]> {
  const skiff = await SkiffProcess.start();
  try {
    const rows: Row[] = [];
    for (const each of CASES) {
      const [times, peers] = await measure(skiff, each, saves);
      const figure = median(times);
      rows.push({
        what: `save of ${each.what} to live, median of ${saves} (deploy of one file by HTTP ${ms(median(peers))})`,
        figure: ms(figure),
        target: `<= ${TARGET_MS} ms`,
        met: figure <= TARGET_MS,
      });
    }
    return rows;
  } finally {
    await skiff.close();
  }
}

if (import.meta.main) printTable("skiff dev", await benchDev(Number(process.argv[2] ?? 20)));
