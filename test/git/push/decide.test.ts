import assert from "node:assert/strict";
import { once } from "node:events";
import { duplexPair } from "node:stream";
import { textDiff, trafficDiff } from "../../../manager/files/plan/compare.ts";
import { unifiedDiff } from "../../../manager/files/unified-diff.ts";
import { serveHook } from "../../../manager/git/program/hook.ts";
import { meanwhile } from "../../../manager/git/push/meanwhile.ts";
import { decide } from "../../../manager/git/push/rules/decide.ts";
import { readPushOptions } from "../../../manager/git/push/rules/push-options.ts";
import { checkRefName } from "../../../manager/git/push/rules/ref-names.ts";
import { diffLines } from "../../../manager/git/push/words/diff-lines.ts";
import { refLines } from "../../../manager/git/push/words/ref-lines.ts";
import {
  emptyState,
  NO_COMMIT,
  type RefUpdate,
  type RepositoryState,
} from "../../../manager/git/repository.ts";
import { Problem, unknownFunction } from "../../../platform/problems.ts";

const [A, B] = ["a".repeat(40), "b".repeat(40)];
const create = (ref: string): RefUpdate => ({ ref, from: NO_COMMIT, to: A });
const grown: RepositoryState = { ...emptyState(), tip: A };

/** What refuses the push. */
function refusal(updates: readonly RefUpdate[], { state = grown, refs = ["refs/heads/main"] } = {}): string {
  try {
    decide(updates, { state, refs });
  } catch (error) {
    return (error as { detail: string }).detail;
  }
  return "";
}

describe("the rules of a push", () => {
  it("let the first push choose the branch that deploys", () => {
    const branchOf = (...names: string[]) =>
      decide(
        names.map((name) => create(`refs/heads/${name}`)),
        { state: emptyState(), refs: [] },
      ).branch;
    assert.equal(branchOf("trunk"), "trunk");
    assert.equal(branchOf("a", "master"), "master");
    assert.equal(branchOf("a", "master", "main"), "main");
    const none = { state: emptyState(), refs: [] };
    assert.match(refusal([create("refs/heads/a"), create("refs/heads/b")], none), /push it alone first/);
    assert.match(refusal([create("refs/tags/v1")], none), /push the branch main first/);
  });

  it("store other branches and tags beside the one that deploys", () => {
    const main = { ref: "refs/heads/main", from: A, to: B };
    const { deploying, stored } = decide([create("refs/tags/v1"), main], {
      state: grown,
      refs: ["refs/heads/main"],
    });
    assert.equal(deploying, main);
    assert.deepEqual(stored, [create("refs/tags/v1")]);
  });

  it("refuse a ref that is pushed twice, which git would refuse when the function is deployed", () => {
    const main = { ref: "refs/heads/main", from: A, to: B };
    assert.match(refusal([main, { ...main, to: A }]), /^main was pushed twice: push it once\.$/);
    assert.match(refusal([create("refs/tags/v1"), create("refs/tags/v1")]), /^v1 was pushed twice/);
  });

  it("keep the branch that deploys", () => {
    assert.match(refusal([{ ref: "refs/heads/main", from: A, to: NO_COMMIT }]), /cannot be deleted/);
    assert.equal(refusal([{ ref: "refs/heads/other", from: A, to: NO_COMMIT }]), "");
  });

  it("refuse names that git would refuse when the function is deployed", () => {
    for (const ref of ["refs/skiff/x", "refs/heads", "refs/notes/commits", "HEAD"])
      assert.match(refusal([create(ref)]), /no branch and no tag/, ref);
    for (const name of [
      "HEAD",
      "-rf",
      "a..b",
      "a b",
      "x.lock",
      ".x",
      "a/.b",
      "a~1",
      "x@{1}",
      "a//b",
      "a/",
      "a.",
    ])
      assert.match(checkRefName(`refs/heads/${name}`) ?? "", /not a valid name/, name);
    assert.match(checkRefName(`refs/heads/${"a".repeat(201)}`) ?? "", /too long/);
    for (const name of ["feature/x", "v1.2.3", "übung"])
      assert.equal(checkRefName(`refs/heads/${name}`), undefined);
    assert.match(refusal([create("refs/heads/main/x")]), /main\/x cannot be beside main/);
    assert.match(refusal([create("refs/heads/a"), create("refs/heads/a/b")]), /cannot be beside/);
  });

  it("bound the number of branches and tags", () => {
    const refs = Array.from({ length: 1_000 }, (_, index) => `refs/tags/v${index}`);
    assert.match(
      refusal([create("refs/tags/more")], { state: grown, refs }),
      /1001 branches and tags, at most 1000/,
    );
    const many = Array.from({ length: 10_000 }, (_, index) => create(`refs/tags/v${index}`));
    const startedAt = performance.now();
    assert.match(refusal(many), /10001 branches and tags, at most 1000/);
    assert.ok(performance.now() - startedAt < 5_000);
  });
});

describe("the lines about refs", () => {
  it("mark the branch that deploys, and are bounded", () => {
    const lines = (...updates: RefUpdate[]) => refLines(updates, { name: "hello", state: grown });
    const deletion = { ref: "refs/heads/old", from: A, to: NO_COMMIT };
    assert.deepEqual(lines(create("refs/heads/main"), create("refs/heads/x"), deletion), [
      "main aaaaaaa → hello",
      "x aaaaaaa",
      "deleting old",
    ]);
    const many = lines(...Array.from({ length: 25 }, (_, index) => create(`refs/tags/v${index}`)));
    assert.deepEqual([many.length, many.at(-1)], [21, "and 5 more"]);
  });

  it("bound a push, whose hook gets one sentence", async () => {
    const lines: string[] = [];
    let decided = false;
    const [mine, hook] = duplexPair();
    hook.write("objects /x\n");
    for (let index = 0; index < 10_001; index++) hook.write(`update ${NO_COMMIT} ${A} refs/tags/v${index}\n`);
    hook.end("end\n");
    hook.on("data", (chunk: Buffer) => lines.push(...chunk.toString().trimEnd().split("\n")));
    await serveHook(mine, async () => (decided = true));
    mine.end();
    await once(hook, "end");
    assert.equal(decided, false);
    assert.match(lines.join("\n"), /^say The push has over 10000 branches, tags and options.*\nexit 1$/);
  });
});

describe("the lines of a dry run", () => {
  it("show settings and shares of the calls, and name files", async () => {
    const traffic = await trafficDiff([{ version: 1, weight: 1 }], [{ version: 2, weight: 1 }]);
    const files = await unifiedDiff(new Map(), new Map([["main.ts", Buffer.from("1;\n")]]));
    const diff = traffic + (await textDiff("settings", "", "memory: 256\n")) + files;
    assert.deepEqual(diffLines("hello", diff), [
      "hello: traffic - version 1: 1",
      "hello: traffic + version 2: 1",
      "hello: settings + memory: 256",
      "hello: changes main.ts",
    ]);
    assert.deepEqual(diffLines("hello", ""), []);
  });
});

describe("a function that changes meanwhile", () => {
  it("is named in words of git", () => {
    const detailOf = (error: unknown) => (meanwhile(error, "race") as Problem).detail;
    const moved = new Problem("precondition_failed", "…", { version: 3 });
    assert.equal(detailOf(moved), "race moved to version 3 meanwhile: fetch, merge and push again.");
    for (const gone of [new Problem("precondition_failed", "…"), unknownFunction("race")])
      assert.match(detailOf(gone), /^race was deleted meanwhile/);
    const other = new Error("no");
    assert.equal(meanwhile(other, "race"), other);
  });
});

describe("push options", () => {
  it("are read", () => {
    assert.deepEqual(readPushOptions([]), { isDryRun: false });
    assert.deepEqual(readPushOptions(["message=a=b", "traffic=10", "dry-run"]), {
      isDryRun: true,
      message: "a=b",
      percent: 10,
    });
  });

  it("are refused by their name", () => {
    const refusalOf = (...options: string[]) => {
      try {
        readPushOptions(options);
      } catch (error) {
        return (error as { detail: string }).detail;
      }
      return "";
    };
    assert.match(refusalOf("ci.skip"), /Unknown push option "ci.skip". There are message=TEXT/);
    assert.match(refusalOf("traffic=101"), /traffic=101 must be a whole number/);
    assert.match(refusalOf("message"), /Unknown push option "message"/);
    assert.match(refusalOf("dry-run", "dry-run"), /given twice/);
    assert.match(refusalOf(`message=${"x".repeat(1_001)}`), /1001 characters, at most 1000/);
  });
});
