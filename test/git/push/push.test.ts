import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";
import { type GitResult, GitUser } from "../support/git-user.ts";

/** A function that answers with a text. */
const answering = (text: string) => `export default () => new Response("${text}");\n`;

describe("a push", () => {
  let skiff: StartedSkiff;
  let user: GitUser;

  before(async () => {
    skiff = await startedSkiff();
    user = await GitUser.init(`${skiff.url}/git/hello.git`);
  });

  after(async () => {
    user.close();
    await skiff.close();
  });

  const call = async (path = "hello") => await (await fetch(`${skiff.url}/fn/${path}`)).text();
  const get = async (path: string) => await (await fetch(`${skiff.url}${path}`)).json();
  const tip = async () => (await user.git("ls-remote", "origin", "refs/heads/main")).slice(0, 40);
  function accepted({ code, stderr }: GitResult): string {
    assert.equal(code, 0, stderr);
    return stderr;
  }
  function refused({ code, stderr }: GitResult): string {
    assert.notEqual(code, 0, stderr);
    return stderr;
  }

  it("creates a function, and says what it does", async () => {
    const commit = await user.commit({ "main.ts": answering("one") });
    const said = accepted(await user.push());
    assert.equal(await call(), "one");
    assert.match(said, new RegExp(`^main ${commit.slice(0, 7)} → hello$`, "m"));
    assert.match(said, /^hello: built in .*, starting…$/m);
    assert.match(said, /^hello: ready as version 1 \(build .*, start .*\)$/m);
    assert.match(said, /^http:\S+\/fn\/hello {2}version 1$/m);
  });

  it("makes a version of its commit, whose message and author it has", async () => {
    const commit = await user.commit({ "main.ts": answering("two") }, "Say two\n\nAnd no more.");
    accepted(await user.push());
    assert.equal(await call(), "two");
    const { versions } = await get("/func/hello/versions");
    const {
      version,
      message,
      commit: found,
      by,
    } = versions.find((each: { version: number }) => each.version === 2);
    assert.deepEqual([version, message, found, by], [2, "Say two", commit, "local"]);
    assert.equal(await tip(), commit);
    assert.ok(skiff.lines.includes(`pushed hello: main ${commit.slice(0, 7)}: hello version 2`));
  });

  it("is refused with the place and the line of an error, and changes nothing", async () => {
    const before = await tip();
    await user.commit({ "main.ts": "export default () =>\n  new Response(1 +;\n" });
    const said = refused(await user.push());
    assert.match(said, /^main\.ts:2:\d+ .*\n {4}new Response\(1 \+;\n +\^$/m);
    assert.match(said, new RegExp(`^main stays at ${before.slice(0, 7)}, hello version 2 serves$`, "m"));
    assert.equal(await tip(), before);
    assert.equal(await call(), "two");
    await user.git("reset", "-q", "--hard", before);
  });

  it("is refused with the log of a version that does not start", async () => {
    const before = await tip();
    await user.commit({ "main.ts": `throw new Error("no luck");\n${answering("x")}` });
    const said = refused(await user.push());
    assert.match(said, /^hello: The new version/m);
    assert.match(said, /no luck/);
    assert.match(said, /^main stays at .*, hello version 2 serves$/m);
    assert.equal(await call(), "two");
    await user.git("reset", "-q", "--hard", before);
  });

  it("leaves no repository if the first one is refused", async () => {
    const other = await GitUser.init(`${skiff.url}/git/other.git`);
    try {
      const names = async () => (await get("/git")).repositories.map((each: { name: string }) => each.name);
      await other.commit({ "main.ts": "export default 1 +;\n" });
      assert.match(refused(await other.push()), /^main stays empty$/m);
      await eventually("the repository is gone", async () => (await names()).join() === "hello");
      await other.commit({ "main.ts": answering("other") });
      accepted(await other.push());
      assert.equal(await call("other"), "other");
    } finally {
      other.close();
    }
  });

  it("deploys nothing for a commit with the same source, and moves the branch", async () => {
    const commit = await user.commit({ ".gitignore": "node_modules\n" });
    assert.match(accepted(await user.push()), /^hello: unchanged, version 2 has this source/m);
    assert.equal(await tip(), commit);
  });

  it("takes options", async () => {
    const before = await tip();
    await user.commit({ "main.ts": answering("three") });
    const dry = refused(await user.push({ options: ["dry-run"] }));
    assert.match(dry, /^hello: built in .*$/m);
    assert.match(dry, /^dry run: nothing was pushed$/m);
    const wished = refused(await user.push({ options: ["wish=1"] }));
    assert.match(wished, /^Unknown push option "wish=1".*\nmain stays at .*, hello version 2 serves$/m);
    assert.equal(await tip(), before);
    const said = accepted(await user.push({ options: ["traffic=0", "message=Try it"] }));
    assert.match(said, /\/fn\/hello@3 {2}version 3$/m);
    assert.equal(await call(), "two");
    assert.equal(await call("hello@3"), "three");
    const { versions } = await get("/func/hello/versions");
    assert.equal(versions.find((each: { version: number }) => each.version === 3).message, "Try it");
  });

  it("stores other branches and tags, and says which one deploys", async () => {
    const said = accepted(await user.push({ to: "HEAD:refs/heads/feature" }));
    assert.match(said, /^feature [0-9a-f]{7}$/m);
    assert.match(said, /^stored feature; main is what deploys: git push … feature:main$/m);
    await user.git("tag", "v1");
    assert.match(accepted(await user.push({ to: "v1" })), /^stored the tag v1$/m);
    assert.match(
      accepted(await user.push({ to: ":refs/heads/feature" })),
      /^deleting feature\ndeleted feature$/m,
    );
    assert.ok(skiff.lines.includes("pushed hello: deleted feature"));
    assert.equal(await call(), "two");
  });

  it("neither deletes nor rewrites the branch that deploys", async () => {
    assert.match(
      refused(await user.push({ to: ":refs/heads/main" })),
      /^main deploys, and cannot be deleted/m,
    );
    const other = await user.git("commit-tree", "-m", "Another history", "HEAD^{tree}");
    const said = refused(await user.push({ to: `${other}:refs/heads/main`, more: ["--force"] }));
    assert.match(said, /^main deploys, and its history stays: fetch, merge and push again/m);
    assert.equal(await call(), "two");
  });

  it("is refused without a function, and when the function moves meanwhile", async () => {
    const before = await tip();
    await user.commit({ "skiff.yaml": "functions: {}\n" });
    assert.match(refused(await user.push()), /^skiff.yaml declares no function: name one under functions:/m);
    await user.git("reset", "-q", "--hard", before);
    const slow = `await new Promise((resolve) => setTimeout(resolve, 700));\n${answering("slow")}`;
    await user.commit({ "main.ts": slow });
    const begun = Promise.withResolvers<void>();
    const pushing = user.push({ onText: (text) => text.includes("building…") && begun.resolve() });
    await begun.promise;
    const rolled = await fetch(`${skiff.url}/func/hello/rollback?to=1`, { method: "POST" });
    assert.equal(rolled.status, 200, await rolled.text());
    const said = refused(await pushing);
    assert.match(said, /^hello moved to version 1 meanwhile: fetch, merge and push again\.$/m);
    assert.doesNotMatch(said, /stays at|If-Match/);
    await user.git("fetch", "-q");
    await user.git("reset", "-q", "--hard", "origin/main");
    assert.equal(await call(), "one");
  });

  it("is refused after another push, and names it", async () => {
    const mine = await GitUser.clone(`${skiff.url}/git/hello.git`);
    try {
      await user.commit({ "main.ts": answering("first") });
      await mine.commit({ "main.ts": answering("second") });
      const both = await Promise.all([user.push(), mine.push()]);
      assert.deepEqual(
        both.map(({ code }) => code).sort(),
        [0, 1],
        both.map(({ stderr }) => stderr).join("\n"),
      );
      const [won, lost] = both[0].code === 0 ? [user, both[1]] : [mine, both[0]];
      assert.match(
        refused(lost),
        /^main moved to [0-9a-f]{7} \(by Ada\) meanwhile: fetch, merge and push again\.$|rejected.*fetch first/m,
      );
      assert.equal(await call(), won === user ? "first" : "second");
    } finally {
      mine.close();
    }
  });
}).timeout(60_000);
