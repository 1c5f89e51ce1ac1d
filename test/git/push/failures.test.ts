import assert from "node:assert/strict";
import { type CommitOrder, deployCommit } from "../../../manager/git/push/deploy-commit.ts";
import { branchRef, emptyState, NO_COMMIT } from "../../../manager/git/repository.ts";
import { readCommits } from "../../../manager/git/tree/read-commits.ts";
import { writeCommits } from "../../../manager/git/tree/write-commits.ts";
import { RecordedRepository } from "../history/recorded-repository.ts";
import { plainGit } from "../homes/plain-git.ts";

const GROUP = "functions:\n  one: one.ts\n  two: two.ts\n";
const TOPICS = `${GROUP}topics:\n  orders: {}\n  bills: {}\n`;

/** A push of a group whose parts fail, or whose manager is killed between them. */
describe("the changes of a push", () => {
  let recorded: RecordedRepository;

  beforeEach(async () => {
    recorded = new RecordedRepository();
    await push("first", GROUP);
  });

  afterEach(() => recorded.close());

  const topic = async (name: string) => (await recorded.platform.declarations.get("Topic", name))?.name;
  const trafficOf = (name: string) => recorded.platform.endpoints(name)?.traffic[0]?.version;

  it("are completed with their topics by the next manager", async () => {
    await killed("second");
    assert.deepEqual(await recorded.log("shop"), ["second", "first"]);
    assert.deepEqual([await topic("orders"), await topic("bills")], ["orders", "bills"]);
    assert.deepEqual([trafficOf("one"), trafficOf("two")], [2, 2]);
  });

  it("leave a group alone that has the name of a function, when the next manager completes them", async () => {
    const { home } = recorded.means;
    const group = await home.create("two", { ...emptyState(), isGroup: true });
    await group.save({ state: group.state });
    await killed("second");
    assert.deepEqual(await recorded.log("shop"), ["second", "first"]);
    assert.ok(await home.open("two"));
  });

  it("move a function out of its own repository, which is removed later by whoever finds it", async () => {
    const { home } = recorded.means;
    await recorded.deploy("a", "own");
    await recorded.record("a");
    const remove = home.remove.bind(home);
    const { promise: reached, resolve } = Promise.withResolvers<void>();
    home.remove = () => {
      resolve();
      return new Promise(() => {});
    };
    void push("second", `${GROUP}  a: one.ts\n`);
    await reached;
    home.remove = remove;
    assert.equal((await home.open("a"))?.state.isGroup, false);
    assert.equal(await home.ownerOf("a"), "shop");
    assert.equal(await recorded.record("a"), undefined);
    assert.equal(await home.open("a"), undefined);
    assert.deepEqual(await recorded.log("shop"), ["second", "first"]);
  });

  it("are undone with their topics if one cannot be put", async () => {
    const { declarations } = recorded.platform;
    const put = declarations.put.bind(declarations);
    declarations.put = async (kind, name, spec) => {
      if (name === "bills") throw new Error("no room");
      return put(kind, name, spec);
    };
    await assert.rejects(push("second", TOPICS), /no room/);
    assert.equal(await topic("orders"), undefined);
    assert.deepEqual([trafficOf("one"), trafficOf("two")], [1, 1]);
    assert.deepEqual(await recorded.log("shop"), ["first"]);
  });

  it("are undone later if that fails at first, and never completed", async () => {
    const { platform } = recorded;
    const route = platform.route.bind(platform);
    platform.route = async (name, traffic, ...rest) => {
      if (name === "one" && traffic[0]?.version === 2) return route(name, traffic, ...rest);
      throw new Error("no place for an instance");
    };
    await assert.rejects(push("second", GROUP), /no place/);
    assert.equal(trafficOf("one"), 2);
    assert.deepEqual(await recorded.log("shop"), ["first"]);
    await assert.rejects(push("third", GROUP), /not undone yet/);
    platform.route = route;
    assert.deepEqual(await recorded.log("shop"), ["first"]);
    assert.deepEqual([trafficOf("one"), trafficOf("two")], [1, 1]);
    await push("third", GROUP);
    assert.deepEqual(await recorded.log("shop"), ["third", "first"]);
  });

  it("take the functions back that they created", async () => {
    const { platform } = recorded;
    const route = platform.route.bind(platform);
    platform.route = async (name, ...rest) => {
      if (name === "two") throw new Error("no place for an instance");
      return route(name, ...rest);
    };
    await assert.rejects(push("second", `${GROUP}  a: one.ts\n`), /no place/);
    assert.equal(await platform.find("a"), undefined);
    assert.deepEqual([trafficOf("one"), trafficOf("two")], [1, 1]);
  });

  /** Pushes, and is killed when the functions have their traffic, between two topics. */
  async function killed(text: string): Promise<void> {
    const { declarations } = recorded.platform;
    const put = declarations.put.bind(declarations);
    const { promise: reached, resolve } = Promise.withResolvers<void>();
    declarations.put = (kind, name, spec) => {
      if (name === "orders") return put(kind, name, spec);
      resolve();
      return new Promise(() => {});
    };
    void push(text, TOPICS);
    await reached;
    declarations.put = put;
  }

  /** Pushes a commit whose functions answer with a text. */
  async function push(text: string, manifest: string): Promise<void> {
    const { home, signal } = recorded.means;
    const name = "shop";
    const repository = (await recorded.record(name)) ?? (await home.create(name, emptyState()));
    const { tip, branch } = repository.state;
    const code = { "skiff.yaml": manifest, "one.ts": `${text} one`, "two.ts": `${text} two` };
    const files = new Map(Object.entries(code).map(([path, each]) => [path, Buffer.from(each)]));
    const written = {
      parent: tip ?? undefined,
      files,
      author: "Ada",
      at: new Date(),
      message: text,
    };
    const [id] = await writeCommits(plainGit, repository.path, [written]);
    const [commit] = await readCommits(plainGit, { repository: repository.path, from: id!, limit: 1 });
    const order: CommitOrder = {
      ...{ repository, commit: commit!, branch, byGit: false, reachedAt: [], signal, say: () => {} },
      refs: [{ ref: branchRef(branch), from: tip ?? NO_COMMIT, to: id! }],
      principal: { by: "ada", scopes: ["deploy", "read"] },
    };
    await deployCommit(order, recorded.means);
  }
});
