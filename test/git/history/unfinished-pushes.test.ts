import assert from "node:assert/strict";
import type { PendingChanges, PendingPush, PendingSwitch } from "../../../manager/git/repository.ts";
import { writeCommits } from "../../../manager/git/tree/write-commits.ts";
import { plainGit } from "../homes/plain-git.ts";
import { RecordedRepository } from "./recorded-repository.ts";

const AUTHOR = "Ada <ada@example.com>";

/** What a manager finds that was killed in the middle of a push. */
describe("a push that had not ended", () => {
  let recorded: RecordedRepository;
  let former: string;
  let commit: string;

  beforeEach(async () => {
    recorded = new RecordedRepository();
    await recorded.deploy("one", "first");
    const { path, head } = (await recorded.record("one"))!;
    former = head!;
    const files = new Map([["main.ts", Buffer.from("pushed")]]);
    const pushed = { parent: former, files, author: "Ada", at: new Date(), message: "Pushed" };
    [commit] = (await writeCommits(plainGit, path, [pushed])) as [string];
  });

  afterEach(() => recorded.close());

  it("is dropped before its versions take calls", async () => {
    await leave({});
    assert.deepEqual(await recorded.log("one"), ["Deploy one version 1"]);
    await leave({ changes: changing({ one: await staged("one", "pushed") }) });
    assert.deepEqual(await recorded.log("one"), ["Deploy one version 1"]);
    assert.deepEqual(recorded.platform.endpoints("one")?.traffic, [{ version: 1, weight: 1 }]);
    assert.equal((await recorded.record("one"))?.state.pending, undefined);
  });

  it("is complete when they do", async () => {
    const change = await staged("one", "pushed");
    await leave({ changes: changing({ one: change }) });
    await recorded.platform.route("one", change.traffic);
    assert.deepEqual(await recorded.log("one"), ["Pushed", "Deploy one version 1"]);
    const { functions } = (await recorded.record("one"))!.state;
    assert.equal(functions.one?.versions[2]?.commit, commit);
    await recorded.deploy("one", "later", { message: "Later" });
    assert.deepEqual(await recorded.log("one"), ["Later", "Pushed", "Deploy one version 1"]);
  });

  it("is dropped when its version has lost its calls again", async () => {
    const change = await staged("one", "pushed");
    await leave({ changes: changing({ one: change }) });
    await recorded.platform.route("one", change.traffic);
    await recorded.platform.route("one", [{ version: 1, weight: 1 }]);
    assert.deepEqual(await recorded.log("one"), ["Deploy one version 1"]);
  });

  it("is no rollback when no version of it takes calls", async () => {
    const change = { ...(await staged("one", "pushed")), traffic: [] };
    await leave({ changes: changing({ one: change }) });
    assert.deepEqual(await recorded.log("one"), ["Pushed", "Deploy one version 1"]);
    assert.deepEqual(await recorded.log("one"), ["Pushed", "Deploy one version 1"]);
  });

  it("of a group is completed for all functions", async () => {
    const { one, two } = await begunGroup();
    assert.deepEqual((await recorded.log("one"))[0], "Pushed");
    assert.deepEqual(recorded.platform.endpoints("one")?.traffic, one.traffic);
    assert.deepEqual(recorded.platform.endpoints("two")?.traffic, two.traffic);
    assert.deepEqual(Object.keys((await recorded.record("one"))!.state.functions), ["one", "two"]);
  });

  it("of a group is taken back from all if one cannot be switched", async () => {
    await begunGroup();
    const route = recorded.platform.route.bind(recorded.platform);
    recorded.platform.route = async (name, ...rest) => {
      if (name === "two") throw new Error("no place for an instance");
      return route(name, ...rest);
    };
    assert.deepEqual(await recorded.log("one"), ["Deploy one version 1"]);
    assert.deepEqual(recorded.platform.endpoints("one")?.traffic, [{ version: 1, weight: 1 }]);
    assert.match(recorded.lines.join("\n"), /was taken back: no place/);
  });

  it("takes the function with it that it had created", async () => {
    await staged("new", "new", true);
    await leave({ paths: { one: ".", new: "new.ts" }, created: ["new"] });
    await recorded.record("one");
    assert.equal(await recorded.platform.find("new"), undefined);
    assert.ok(await recorded.platform.find("one"));
  });

  it("is left to another manager that may be in the middle of it", async () => {
    const running = new Set(["another"]);
    const manager = { name: "one of two", isRunning: async (name: string) => running.has(name) };
    Object.defineProperty(recorded.means.home, "manager", { value: manager });
    const change = await staged("one", "pushed");
    await leave({ changes: changing({ one: change }), owner: "another", until: Date.now() + 60_000 });
    await recorded.platform.route("one", change.traffic);
    assert.deepEqual(await recorded.log("one"), ["Deploy one version 1"]);
    running.clear();
    assert.deepEqual(await recorded.log("one"), ["Pushed", "Deploy one version 1"]);
  });

  /** A group of which one function has its new traffic, and the other has not. */
  async function begunGroup(): Promise<{ one: PendingSwitch; two: PendingSwitch }> {
    await recorded.deploy("two", "first");
    const one = await staged("one", "pushed");
    const two = await staged("two", "pushed");
    await leave({ changes: changing({ one, two }), isGroup: true, paths: { one: "one.ts", two: "two.ts" } });
    await recorded.platform.route("one", one.traffic);
    return { one, two };
  }

  /** A version that a push has made, and how its function changes. */
  async function staged(name: string, code: string, isNew = false): Promise<PendingSwitch> {
    const note = { by: "ada", author: AUTHOR, commit };
    const source = { type: "text/typescript", bytes: Buffer.from(code) } as const;
    const { deploys, signal } = recorded.means;
    const { version } = await deploys.deploy({ name, source, patch: {}, note, percent: 0, signal });
    const { hash } = (await recorded.platform.find(name, version))!;
    const before = { version: 1, traffic: [{ version: 1, weight: 1 }], rules: {} };
    const after = { version, hash, traffic: [{ version, weight: 1 }], rules: {} };
    return isNew ? after : { ...after, former: before };
  }

  function changing(switches: PendingChanges["switches"]): PendingChanges {
    return { switches, unchanged: {}, objects: [] };
  }

  async function leave(more: Partial<PendingPush>): Promise<void> {
    const pending: PendingPush = {
      ...{ commit, former, owner: "me", until: Date.now() + 60_000, isGroup: false, paths: { one: "." } },
      ...{ branch: "main", created: [], note: { by: "ada", author: AUTHOR, commit } },
      ...more,
    };
    await recorded.change("one", (state) => ({ ...state, pending }));
  }
});
