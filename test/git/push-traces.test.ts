import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allRefs } from "../../manager/git/homes/bare-repository.ts";
import { FolderHome } from "../../manager/git/homes/folder-home.ts";
import type { OpenRepository } from "../../manager/git/homes/home.ts";
import { LiveRequests } from "../../manager/git/live-requests.ts";
import { PushTraces } from "../../manager/git/push-traces.ts";
import type { Repositories } from "../../manager/git/repositories.ts";
import { NO_COMMIT } from "../../manager/git/repository.ts";
import { stateOf } from "./homes/commits.ts";
import { plainGit } from "./homes/plain-git.ts";
import { programGit } from "./homes/program-git.ts";
import { type StepChain, stepChainOf } from "./homes/step-chain.ts";

const REFS = ["refs/heads/main", "refs/heads/other", "refs/tags/v1"];
const { signal } = new AbortController();

describe("PushTraces", () => {
  const { git, close } = programGit();
  let root: string;
  let chain: StepChain;
  let opened: OpenRepository;
  let traces: PushTraces;

  before(async () => {
    root = mkdtempSync(join(tmpdir(), "skiff-test-traces-"));
    chain = await stepChainOf(root, 1);
    const home = new FolderHome({ folder: join(root, "git"), git });
    const created = await home.create("hello", stateOf(0));
    opened = await created.save({
      state: stateOf(1, chain.commits),
      objects: chain.quarantines[0]!,
      refs: REFS.map((ref) => ({ ref, from: NO_COMMIT, to: chain.commits[0]! })),
    });
    const repositories = {
      live: new LiveRequests(),
      tools: async () => ({ git, home }),
      inTurn: (_name: string, _signal: AbortSignal, work: () => Promise<boolean>) => work(),
    } as unknown as Repositories;
    traces = new PushTraces(repositories, opened);
  });

  after(async () => {
    await close();
    rmSync(root, { recursive: true, force: true });
  });

  const refs = async () => [...(await allRefs(opened.path)).keys()].sort();

  it("leave branches and tags alone when the push ends before it has begun", async () => {
    assert.equal(await traces.undo(signal), false);
    assert.deepEqual(await refs(), REFS);
  });

  it("leave branches and tags alone when the push cannot begin", async () => {
    const arriving = join(opened.path, "objects", "tmp_objdir-incoming-other");
    mkdirSync(arriving);
    writeFileSync(join(arriving, "tmp_pack"), "large");
    await assert.rejects(traces.begin(1), { code: "push_refused" });
    assert.equal(await traces.undo(signal), false);
    assert.deepEqual(await refs(), REFS);
  });

  it("move back what git moved since the push began", async () => {
    await traces.begin(1024 ** 2);
    await plainGit.run(["update-ref", "refs/heads/odd", chain.commits[0]!], { repository: opened.path });
    await plainGit.run(["update-ref", "-d", "refs/tags/v1"], { repository: opened.path });
    assert.equal(await traces.undo(signal), true);
    assert.deepEqual(await refs(), REFS);
  });
});
