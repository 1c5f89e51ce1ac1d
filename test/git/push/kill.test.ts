import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../../support/eventually.ts";
import { processTree } from "../../support/instances/processes.ts";
import { notTried } from "../../support/not-tried.ts";
import { seededRandom, testSeed } from "../../support/seeded-random.ts";
import { SkiffProgram } from "../../support/skiff/skiff-program.ts";
import { GitUser } from "../support/git-user.ts";

/** SKIFF_ROUNDS=50 is the whole test. */
const ROUNDS = Number(process.env.SKIFF_ROUNDS ?? 5);
const ROUND_MS = 90_000;
/** Lines of a push, after one of which Skiff is killed, and the longest time from there. */
const LINES = 9;
const MOST_MS = 200;
const NAMES = ["one", "two"];

/** Two functions that answer with the same text. */
const filesOf = (text: string) => ({
  "skiff.yaml": "functions:\n  one: one.ts\n  two: two.ts\n",
  ...Object.fromEntries(
    NAMES.map((name) => [`${name}.ts`, `export default () => new Response("${text}");\n`]),
  ),
});

describe("kill -9 in the middle of a push", function () {
  this.timeout(ROUNDS * ROUND_MS);

  it(`leaves branch, versions and traffic in agreement in ${ROUNDS} rounds`, async function () {
    if (process.platform !== "linux") return notTried(this, "processes are found in /proc");
    const random = seededRandom(testSeed());
    const folder = mkdtempSync(join(tmpdir(), "skiff-test-kill-push-"));
    const start = () => new SkiffProgram(join(folder, "data"));
    const user = new GitUser();
    let skiff = start();
    const counts = { before: 0, after: 0 };
    const phases = new Map<string, number>();
    try {
      let url = await skiff.url();
      await user.git("init", "-q", "-b", "main");
      await user.git("remote", "add", "origin", `${url}/git/duo.git`);
      await user.commit(filesOf("start"));
      const first = await user.push();
      assert.equal(first.code, 0, first.stderr);
      let tip = await user.git("rev-parse", "HEAD");
      for (let round = 1; round <= ROUNDS; round++) {
        const wanted = await user.commit(filesOf(`round ${round}`));
        const { promise: reached, resolve } = Promise.withResolvers<void>();
        const line = Math.floor(random() * LINES);
        let text = "";
        const pushing = user.push({
          onText(more) {
            text += more;
            if (text.split("remote:").length > line) resolve();
          },
        });
        if (line > 0) await Promise.race([reached, pushing]);
        await delay(random() * MOST_MS);
        const all = random() < 0.5 ? processTree(skiff.pid) : [skiff.pid];
        for (const pid of all) kill(pid);
        await skiff.ended();
        const phase = phaseOf(text, (await pushing).code === 0);
        phases.set(phase, (phases.get(phase) ?? 0) + 1);
        skiff = start();
        url = await skiff.url();
        await user.git("remote", "set-url", "origin", `${url}/git/duo.git`);
        const found = (await user.git("ls-remote", "origin", "refs/heads/main")).slice(0, 40);
        assert.ok([tip, wanted].includes(found), `round ${round}: main is at ${found}`);
        counts[found === tip ? "before" : "after"]++;
        const source = await user.git("show", `${found}:one.ts`);
        for (const name of NAMES) {
          const answer = await answerOf(`${url}/fn/${name}`);
          assert.ok(
            source.includes(`"${answer}"`),
            `round ${round}: ${name} answers ${answer}, the tip has ${source}`,
          );
          assert.equal(await commitOf(url, name), found, `round ${round}: commit of the version of ${name}`);
        }
        const again = await user.push();
        assert.equal(again.code, 0, `round ${round}: ${again.stderr}`);
        for (const name of NAMES) assert.equal(await answerOf(`${url}/fn/${name}`), `round ${round}`);
        tip = wanted;
      }
    } finally {
      console.log(`      ${counts.before} pushes were undone, ${counts.after} were done`);
      for (const [phase, times] of [...phases].sort()) console.log(`      ${times} × ${phase}`);
      await skiff.close();
      user.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** Where a push was when Skiff was killed: the number of its lines, and the last of them without what differs. */
function phaseOf(text: string, done: boolean): string {
  if (done) return "9 after its end";
  const lines = text.split(/[\r\n]+/).filter((line) => /^remote: \S/.test(line));
  return `${lines.length} ${
    lines
      .at(-1)
      ?.replace(/\b[0-9a-f]{7}\b|\d+/g, "…")
      .trim() ?? "before its first line"
  }`;
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It has ended already.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** What a function answers when an instance of it is free, which takes its time on a busy machine. */
async function answerOf(url: string): Promise<string> {
  let response = new Response(null, { status: 503 });
  await eventually(
    `${url} has an instance`,
    async () => {
      response = await fetch(url);
      return response.status !== 503;
    },
    ROUND_MS,
  );
  return await response.text();
}

/** The commit of the version that takes all calls. */
async function commitOf(url: string, name: string): Promise<string | undefined> {
  const { version } = await (await fetch(`${url}/func/${name}`)).json();
  const { versions } = await (await fetch(`${url}/func/${name}/versions`)).json();
  return versions.find((each: { version: number }) => each.version === version)?.commit;
}
