import assert from "node:assert/strict";
import { Deploys } from "../../../manager/deploys/deploys.ts";
import { recordVersions } from "../../../manager/git/history/record-versions.ts";
import type { ResolveMeans } from "../../../manager/git/history/resolve-pending.ts";
import type { Home, OpenRepository } from "../../../manager/git/homes/home.ts";
import { moveRefs } from "../../../manager/git/homes/ref-moves.ts";
import { type CommitOrder, deployCommit } from "../../../manager/git/push/deploy-commit.ts";
import { branchRef, emptyState, NO_COMMIT } from "../../../manager/git/repository.ts";
import { readCommits } from "../../../manager/git/tree/read-commits.ts";
import { writeCommits } from "../../../manager/git/tree/write-commits.ts";
import { seededRandom, testSeed } from "../../support/seeded-random.ts";
import { RecordedRepository } from "../history/recorded-repository.ts";
import { plainGit } from "../homes/plain-git.ts";
import { Fuse } from "./fuse.ts";

const NAME = "shop";
const FUNCTIONS = ["one", "two"];
/** Times that every step is tried. SKIFF_ROUNDS=5 for more. */
const ROUNDS = Number(process.env.SKIFF_ROUNDS ?? 1);
const SECOND_KILL = 0.5;
const MOST_STEPS = 8;

describe("a push whose manager is killed at one of its steps", function () {
  this.timeout(ROUNDS * 120_000);
  const random = seededRandom(testSeed());
  const counts = { undone: 0, done: 0 };
  let recorded: RecordedRepository;
  let pushes = 0;

  before(async () => {
    recorded = new RecordedRepository();
    await push(new Fuse(0, false));
  });

  after(() => recorded.close());

  it("is done or undone as a whole", async () => {
    for (let round = 0; round < ROUNDS; round++) {
      let isOver = false;
      for (let at = 1; !isOver; at++) isOver = await killedAt(at);
    }
    console.log(`      ${counts.undone} pushes were undone, ${counts.done} were done`);
  });

  /** Kills a push, and sometimes whoever ends it. Returns whether it had ended before. */
  async function killedAt(at: number): Promise<boolean> {
    const [isAfter, byGit] = [random() < 0.5, random() < 0.5];
    const fuse = new Fuse(at, isAfter);
    const isOver = await Promise.race([push(fuse, byGit).then(() => true), fuse.stopped.then(() => false)]);
    const steps = [`${isAfter ? "after" : "before"} ${at}`, ...(byGit ? ["of git"] : [])];
    if (random() < SECOND_KILL) {
      const second = new Fuse(1 + Math.floor(random() * MOST_STEPS), random() < 0.5);
      await Promise.race([end(second), second.stopped]);
      steps.push(`and ${second.count}`);
    }
    await end(new Fuse(0, false));
    await agrees(`push ${pushes}, ${steps.join(" ")}`);
    return isOver;
  }

  async function agrees(when: string): Promise<void> {
    const { state, head, path } = (await recorded.record(NAME))!;
    assert.equal(state.pending, undefined, when);
    assert.equal(state.tip, head, when);
    const { subject } = (await readCommits(plainGit, { repository: path, from: head!, limit: 1 }))[0]!;
    const number = Number(subject);
    counts[number === pushes ? "done" : "undone"]++;
    for (const name of FUNCTIONS) {
      const traffic = recorded.platform.endpoints(name)?.traffic ?? [];
      const { note } = (await recorded.platform.find(name, traffic[0]?.version))!;
      assert.deepEqual([traffic.length, note.commit], [1, head], `${when}: ${name}`);
    }
    for (const name of ["orders", "bills"]) {
      const topic = await recorded.platform.declarations.get("Topic", name);
      assert.equal(topic?.spec.number, number, `${when}: ${name}`);
    }
  }

  /** Ends what a killed manager left. */
  async function end(fuse: Fuse): Promise<void> {
    const means = meansOf(fuse);
    await recordVersions((await means.home.open(NAME))!, means);
  }

  /** Pushes a commit with another number in its functions and topics. */
  async function push(fuse: Fuse, byGit = false): Promise<void> {
    const number = ++pushes;
    const means = meansOf(fuse);
    const { home, signal } = means;
    const repository = (await home.open(NAME)) ?? (await home.create(NAME, emptyState()));
    const { tip, branch } = repository.state;
    const topics = `topics:\n  orders: { number: ${number} }\n  bills: { number: ${number} }\n`;
    const code = {
      "skiff.yaml": `functions:\n  one: one.ts\n  two: two.ts\n${topics}`,
      ...Object.fromEntries(FUNCTIONS.map((name) => [`${name}.ts`, `${name} ${number}`])),
    };
    const files = new Map(Object.entries(code).map(([path, each]) => [path, Buffer.from(each)]));
    const written = { parent: tip ?? undefined, files, author: "Ada", at: new Date(), message: `${number}` };
    const [id] = await writeCommits(plainGit, repository.path, [written]);
    const [commit] = await readCommits(plainGit, { repository: repository.path, from: id!, limit: 1 });
    const order: CommitOrder = {
      ...{ repository, commit: commit!, branch, byGit, reachedAt: [], signal, say: () => {} },
      refs: [{ ref: branchRef(branch), from: tip ?? NO_COMMIT, to: id! }],
      principal: { by: "ada", scopes: ["deploy", "read"] },
    };
    const { repository: saved } = await deployCommit(order, means);
    if (byGit) await fuse.step(() => moveRefs(plainGit, saved.path, { updates: order.refs }));
  }

  /** A manager that stops at a step. */
  function meansOf(fuse: Fuse): ResolveMeans {
    const { means } = recorded;
    const { builder, limits } = means;
    const withSaves = (result: unknown): unknown =>
      result === undefined ? undefined : fuse.around(result as OpenRepository, ["save"], withSaves);
    const home: Home = fuse.around(means.home, ["remove"]);
    const opening: Pick<Home, "open" | "create"> = {
      open: async (name) => withSaves(await means.home.open(name)) as OpenRepository | undefined,
      create: async (name, state) => withSaves(await means.home.create(name, state)) as OpenRepository,
    };
    const declarations = fuse.around(recorded.platform.declarations, ["put", "remove"]);
    const stepping = fuse.around(recorded.platform, ["store", "route", "remove"]);
    const platform = new Proxy(stepping, {
      get: (target, key) => (key === "declarations" ? declarations : Reflect.get(target, key)),
    });
    return {
      ...means,
      platform,
      home: new Proxy(home, { get: (target, key) => Reflect.get(key in opening ? opening : target, key) }),
      deploys: new Deploys({ platform, builder, limits }),
    };
  }
});
