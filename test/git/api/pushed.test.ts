import assert from "node:assert/strict";
import request from "supertest";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";
import { GitUser } from "../support/git-user.ts";

const code = (text: string) => `export default () => ${JSON.stringify(text)};`;

describe("what was pushed, over the API", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  let user: GitUser;
  const commits: string[] = [];
  before(async () => {
    skiff = await startedSkiff();
    user = await GitUser.init(`${skiff.url}/git/hello.git`);
    for (const text of ["one", "two"]) {
      commits.unshift(await user.commit({ "main.ts": code(text) }, `Say ${text}\n\nBecause.`));
      const { code: ended, stderr } = await user.push();
      assert.equal(ended, 0, stderr);
    }
  });
  after(async () => {
    await skiff?.close();
    user?.close();
  });

  const get = async (path: string) => (await request(skiff.url).get(path).expect(200)).body;

  it("has its versions and messages", async () => {
    const { functions, head } = await get("/git/hello");
    assert.equal(head, commits[0]);
    const traffic = [{ version: 2, weight: 1 }];
    assert.deepEqual(functions, [{ name: "hello", path: ".", version: 2, traffic }]);
    const { commits: listed } = await get("/git/hello/commits?function=hello");
    assert.deepEqual(
      listed.map(({ id, subject, body, versions }: Record<string, unknown>) => [id, subject, body, versions]),
      [
        [commits[0], "Say two", "Because.", { hello: 2 }],
        [commits[1], "Say one", "Because.", { hello: 1 }],
      ],
    );
  });

  it("has its author among the versions", async () => {
    const [newest] = (await get("/func/hello/versions")).versions;
    assert.deepEqual(
      [newest.commit, newest.author, newest.message, newest.by],
      [commits[0], "Ada <ada@example.com>", "Say two", "local"],
    );
  });

  it("is deployed from another branch with its next push, and not before", async () => {
    await user.git("push", "-q", "origin", "HEAD~1:refs/heads/next");
    await request(skiff.url).patch("/git/hello").send({ branch: "next" }).expect(200);
    assert.equal((await get("/git/hello")).head, commits[1]);
    assert.equal(await (await fetch(`${skiff.url}/fn/hello`)).text(), "two");
    await user.git("checkout", "-q", "-b", "next", commits[1]!);
    const commit = await user.commit({ "main.ts": code("next") }, "Say next");
    const { code: ended, stderr } = await user.push({ to: "next" });
    assert.equal(ended, 0, stderr);
    assert.equal(await (await fetch(`${skiff.url}/fn/hello`)).text(), "next");
    const [newest, before] = (await get("/git/hello/commits")).commits;
    assert.deepEqual([newest.id, newest.versions, before.id], [commit, { hello: 3 }, commits[1]]);
  });

  it("is followed by what the API deploys", async () => {
    await skiff.deploy("hello", code("four"), "message=Say+four");
    const { functions, head } = await get("/git/hello");
    const [newest] = (await get("/git/hello/commits?limit=1")).commits;
    assert.deepEqual([newest.id, newest.subject, newest.author], [head, "Say four", "local"]);
    assert.deepEqual([newest.versions, functions[0].version], [{ hello: 4 }, 4]);
  });

  it("is removed, and the functions stay", async () => {
    await request(skiff.url).delete("/git/hello").expect(200);
    assert.deepEqual((await get("/git")).repositories, []);
    assert.equal(await (await fetch(`${skiff.url}/fn/hello`)).text(), "four");
    // It is made anew from the kept versions.
    const { commits: listed } = await get("/git/hello/commits");
    assert.deepEqual(
      listed.map(({ versions }: { versions: object }) => versions),
      [{ hello: 4 }, { hello: 3 }, { hello: 2 }, { hello: 1 }],
    );
  });
});
