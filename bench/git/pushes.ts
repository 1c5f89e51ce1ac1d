/**
 * What git costs on one machine: `node bench/git/pushes.ts [ROUNDS]`: ROUNDS clones, 10 by default; always 20 pushes.
 * From `git push` to the first line of Skiff and to the first answer of the new version, a clone of 20 versions, and a
 * push and a clone of 100 MB with the memory that they take in the process of Skiff. The first line and the clone are
 * also measured with a plain `git http-backend`, in alternation.
 */
import { spawn } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median, ms, printTable, type Row } from "../tools/report.ts";
import { SkiffProcess } from "../tools/skiff-process.ts";
import { PlainServer } from "./plain-server.ts";

const TARGETS = { firstLineMs: 200, firstAnswerMs: 1_000, cloneMs: 200, growthMiB: 64 };
const VERSIONS = 20;
const LARGE_BYTES = 100 * 1024 ** 2;
const SAMPLE_MS = 20;
const rounds = Number(process.argv[2] ?? 10);

const folder = mkdtempSync(join(tmpdir(), "skiff-bench-git-"));
const skiff = await SkiffProcess.start();

/** Runs git. Resolves with the time until the server's first line, if there was one. */
async function git(cwd: string, ...args: readonly string[]): Promise<number> {
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "bench",
    GIT_AUTHOR_EMAIL: "bench@example.com",
    GIT_COMMITTER_NAME: "bench",
    GIT_COMMITTER_EMAIL: "bench@example.com",
  };
  const startedAt = performance.now();
  const child = spawn("git", args, { cwd, env, stdio: ["ignore", "ignore", "pipe"] });
  let firstLineMs = 0;
  let text = "";
  child.stderr.on("data", (chunk: Buffer) => {
    text += chunk;
    if (firstLineMs === 0 && text.includes("remote: ")) firstLineMs = performance.now() - startedAt;
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`git ${args.join(" ")}:\n${text}`);
  return firstLineMs;
}

async function commit(cwd: string, file: string, content: string | Uint8Array): Promise<void> {
  writeFileSync(join(cwd, file), content);
  await git(cwd, "add", "-A");
  await git(cwd, "commit", "-q", "-m", file);
}

/** Growth of the memory of Skiff while `work` runs, in MiB. */
async function growth(work: () => Promise<unknown>): Promise<number> {
  const before = skiff.memoryMiB();
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, skiff.memoryMiB());
  }, SAMPLE_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return most - before;
}

/** Compares times with those of a plain `git http-backend`, without a target. */
function ratioRow(times: readonly number[], plain: readonly number[]): Row {
  const ratio = (median(times) / median(plain)).toFixed(2);
  return { what: "  beside a plain git http-backend", figure: `${ratio} × ${ms(median(plain))}` };
}

function timeRow(what: string, times: readonly number[], targetMs: number): Row {
  const figure = `${ms(median(times))} at the median, at most ${ms(Math.max(...times))}`;
  return { what, figure, target: `< ${targetMs} ms`, met: median(times) < targetMs };
}

async function pushes(): Promise<Row[]> {
  const work = join(folder, "hello");
  await git(folder, "init", "-q", "-b", "main", work);
  await git(work, "remote", "add", "origin", `${skiff.url}/git/hello.git`);
  const bare = join(folder, "plain.git");
  await git(folder, "init", "-q", "--bare", "-b", "main", bare);
  const plain = await PlainServer.start(bare);
  const [lines, answers, plainLines]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < VERSIONS; round++) {
    await commit(work, "main.ts", `export default () => new Response("${round}");\n`);
    const plainLineMs = await git(work, "push", "-q", plain.url, "main");
    const startedAt = performance.now();
    const firstLineMs = await git(work, "push", "-q", "origin", "main");
    const text = await (await fetch(`${skiff.url}/fn/hello`)).text();
    if (text !== String(round)) throw new Error(`${text} answers after the push of ${round}`);
    if (round === 0) continue;
    lines.push(firstLineMs);
    plainLines.push(plainLineMs);
    answers.push(performance.now() - startedAt);
  }
  const clone = async (url: string, name: string) => {
    const startedAt = performance.now();
    await git(folder, "clone", "-q", url, name);
    return performance.now() - startedAt;
  };
  const [clones, plainClones]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    plainClones.push(await clone(plain.url, `plain-${round}`));
    clones.push(await clone(`${skiff.url}/git/hello.git`, `clone-${round}`));
  }
  plain.close();
  return [
    timeRow("from git push to the first line", lines, TARGETS.firstLineMs),
    ratioRow(lines, plainLines),
    timeRow("from git push to the first answer", answers, TARGETS.firstAnswerMs),
    timeRow(`a clone of ${answers.length + 1} versions`, clones, TARGETS.cloneMs),
    ratioRow(clones, plainClones),
  ];
}

/** A branch that does not deploy: the source of a function has a limit of its own. */
async function large(): Promise<Row[]> {
  const work = join(folder, "hello");
  await git(work, "checkout", "-q", "-b", "large");
  await commit(work, "large.bin", randomFillSync(new Uint8Array(LARGE_BYTES)));
  const rows: Row[] = [];
  const transfers = {
    push: () => git(work, "push", "-q", "origin", "large"),
    clone: () => git(folder, "clone", "-q", "-b", "large", `${skiff.url}/git/hello.git`, "large"),
  };
  for (const [what, transfer] of Object.entries(transfers)) {
    const startedAt = performance.now();
    const grown = await growth(transfer);
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    const figure = `${grown.toFixed(1)} MiB in ${seconds} s`;
    const target = `< ${TARGETS.growthMiB} MiB`;
    rows.push({ what: `memory for a ${what} of 100 MB`, figure, target, met: grown < TARGETS.growthMiB });
  }
  return rows;
}

try {
  printTable(`Git, ${VERSIONS} pushes and ${rounds} clones`, [...(await pushes()), ...(await large())]);
} finally {
  await skiff.close();
  rmSync(folder, { recursive: true, force: true });
}
