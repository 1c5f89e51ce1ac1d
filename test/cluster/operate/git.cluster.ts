import assert from "node:assert/strict";
import { GitUser } from "../../git/support/git-user.ts";
import { eventually } from "../../support/eventually.ts";
import { Installation } from "../installation.ts";
import { kubectl } from "../kubectl.ts";

const NAME = "pushed";
const ROUNDS = Number(process.env.SKIFF_ROUNDS ?? 3);
const source = (text: string) => ({ "main.ts": `export default () => ${JSON.stringify(text)};\n` });

describe("git repositories on the cluster", function () {
  this.timeout(600_000);
  let skiff: Installation;
  const users: GitUser[] = [];

  before(async () => {
    skiff = await Installation.install();
    await skiff.poolIsFull();
  });
  after(async () => {
    for (const user of users) user.close();
    await skiff.remove(NAME);
    await skiff.close();
  });

  const urlAt = (host: string) => `${host.replace("http://", `http://x:${skiff.token}@`)}/git/${NAME}.git`;
  const user = async (making: Promise<GitUser>) => {
    users.push(await making);
    return users.at(-1)!;
  };
  const managers = async () => {
    const pods = ["get", "pods", "-n", "skiff", "-l", "app=skiff-manager", "-o"];
    const text = await kubectl(
      ...pods,
      'jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.metadata.name} {.status.podIP}{"\\n"}{end}',
    );
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => ({ name: line.split(" ")[0]!, url: `http://${line.split(" ")[1]}:8080` }));
  };
  const answer = async () => (await skiff.call(NAME)).text();
  const serving = async () => {
    const { versions } = (await (await skiff.manage(`/func/${NAME}/versions`)).json()) as {
      versions: { version: number; commit?: string; share: number; author?: string; message?: string }[];
    };
    return versions.find(({ share }) => share === 1);
  };
  const head = async (url: string) =>
    (await users[0]!.run("ls-remote", url, "refs/heads/main")).stdout.split("\t")[0];

  it("are created by a push, whose function answers when the push has ended", async () => {
    const ada = await user(GitUser.init(urlAt(skiff.manager)));
    const commit = await ada.commit(source("one"), "First");
    const { code, stderr } = await ada.push();
    assert.equal(code, 0, stderr);
    assert.match(stderr, /version 1/);
    assert.equal(await answer(), "one");
    const current = await serving();
    assert.deepEqual([current?.version, current?.commit, current?.message], [1, commit, "First"]);
  });

  it("are served by every manager, with commits of deploys by the API", async () => {
    const ada = users[0]!;
    const second = await ada.commit(source("two"));
    assert.equal((await ada.push()).code, 0);
    for (const { url } of await managers()) assert.equal(await head(urlAt(url)), second);
    const { status } = await skiff.deploy(NAME, "export default () => 'three';\n", "min=1");
    assert.equal(status, 200);
    const heads = new Set<string | undefined>();
    for (const { url } of await managers()) heads.add(await head(urlAt(url)));
    assert.equal(heads.size, 1);
    assert.ok(!heads.has(second));
    await ada.git("pull", "-q", "--rebase", "origin", "main");
    assert.match(ada.read("main.ts"), /three/);
    assert.match(ada.read("skiff.yaml"), /min: 1/);
  });

  it("take one of two pushes through two managers, and tell the other", async () => {
    const [one, other] = await managers();
    const ada = users[0]!;
    const bob = await user(GitUser.clone(urlAt(other!.url)));
    await ada.git("remote", "set-url", "origin", urlAt(one!.url));
    await ada.commit(source("of ada"));
    await bob.commit(source("of bob"));
    const pushed = await Promise.all([ada.push(), bob.push()]);
    assert.deepEqual(pushed.map(({ code }) => code === 0).sort(), [false, true], JSON.stringify(pushed));
    assert.match(pushed.find(({ code }) => code !== 0)!.stderr, /fetch|meanwhile/);
    const winner = pushed[0]!.code === 0 ? "of ada" : "of bob";
    assert.equal(await answer(), winner);
    const current = await serving();
    for (const { url } of await managers()) assert.equal(await head(urlAt(url)), current?.commit);
    const loser = pushed[0]!.code === 0 ? bob : ada;
    await loser.git("fetch", "-q");
    await loser.git("reset", "-q", "--hard", "origin/main");
  });

  it(`agree with versions and traffic after a manager was killed in a push, ${ROUNDS} times`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const pods = await managers();
      const victim = pods[round % pods.length]!;
      const eve = await user(GitUser.clone(urlAt(victim.url)));
      await eve.commit(source(`round ${round}`));
      const pushing = eve.push();
      const delay = new Promise((resolve) => setTimeout(resolve, Math.random() * 1_500));
      await Promise.race([pushing, delay]);
      await kubectl("delete", "pod", "-n", "skiff", victim.name, "--grace-period=0", "--force");
      await pushing;
      await eventually(
        "two managers are ready",
        async () => {
          const ready = await managers();
          return ready.length === 2 && ready.every(({ name }) => name !== victim.name);
        },
        90_000,
      );
      await eventually(
        "ref, versions and traffic agree",
        async () => {
          const current = await serving();
          const heads = await Promise.all((await managers()).map(({ url }) => head(urlAt(url))));
          return current?.commit !== undefined && heads.every((each) => each === current.commit);
        },
        120_000,
      );
      // Whoever pushes next finds nothing in the way.
      const next = await user(GitUser.clone(urlAt(skiff.manager)));
      await next.commit(source(`after ${round}`));
      const { code, stderr } = await next.push();
      assert.equal(code, 0, stderr);
      assert.equal(await answer(), `after ${round}`);
    }
  });

  it("move to the commit of an earlier version by a rollback", async () => {
    const first = (await users[0]!.git("log", "--reverse", "--format=%H", "origin/main")).split("\n")[0]!;
    const rolled = await skiff.manage(`/func/${NAME}/rollback?to=${first.slice(0, 10)}`, { method: "POST" });
    assert.equal(rolled.status, 200, await rolled.text());
    assert.equal(await answer(), "one");
    const clone = await user(GitUser.clone(urlAt(skiff.manager)));
    assert.match(clone.read("main.ts"), /one/);
  });

  it("are gone with their function", async () => {
    assert.equal(await skiff.remove(NAME), 200);
    await eventually("the repository is gone", async () => {
      const { code, stderr } = await users[0]!.run("ls-remote", urlAt(skiff.manager));
      return code !== 0 && stderr.includes(`There is no repository "${NAME}"`);
    });
  });
});
