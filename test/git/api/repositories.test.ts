import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import request from "supertest";
import { FolderHome } from "../../../manager/git/homes/folder-home.ts";
import { GitFailed } from "../../../manager/git/program/git.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { hashOf } from "../../../platform/keys/key-text.ts";
import { type StartedManager, startManager } from "../../manager/started-manager.ts";
import { issuedKey } from "../../support/issued-key.ts";
import { plainGit } from "../homes/plain-git.ts";
import { PERSON } from "../support/person.ts";
import { seedRepository } from "./seeded-repository.ts";

const TOKEN = "0123456789abcdef-token";
const PAST = 5;

describe("manager: git repositories", () => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-test-repositories-"));
  const keyTable = new KeyTable();
  const read = issuedKey(keyTable, { scopes: ["read"] });
  const onlyA = issuedKey(keyTable, { scopes: ["read", "deploy"], functions: ["a", "shop-cart"] });
  const ofShop = issuedKey(keyTable, { scopes: ["read", "deploy"], functions: ["shop-cart", "shop-pay"] });
  const named = issuedKey(keyTable, { scopes: ["read", "deploy"], functions: ["shop"] });
  let skiff: StartedManager;
  let home: FolderHome;
  let commits: readonly string[];

  before(async () => {
    const gitHome = {
      folder: join(folder, "tools"),
      path: process.env.PATH,
      open: async () => home,
    };
    home = new FolderHome({ folder: join(folder, "git"), git: plainGit });
    skiff = await startManager({
      ...{ gitHome, keyTable, limits: { pageSize: 20 } },
      access: { mode: "token", tokenHash: hashOf(TOKEN).toString("hex"), whereabouts: "" },
    });
    for (const name of ["a", "b", "shop-cart", "shop-pay"]) await deploy(name, `${name} 1`);
    for (let version = 2; version <= PAST; version++) await deploy("a", `a ${version}`);
    const seed = (name: string, functions: readonly string[]) =>
      seedRepository({ home, folder, name, functions, commits: PAST, versionsOf });
    commits = await seed("a", ["a"]);
    await seed("b", ["b"]);
    await seed("shop", ["shop-cart", "shop-pay"]);
  });
  after(async () => {
    await skiff.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const as = (key: string) => request.agent(skiff.url).set({ authorization: key });
  const admin = () => as(`Bearer ${TOKEN}`);
  const versionsOf = async (name: string) => (await admin().get(`/func/${name}/versions`)).body.versions;
  const deploy = (name: string, source: string) =>
    admin()
      .put(`/func/${name}`)
      .send(source)
      .expect(({ status }) => assert.ok(status < 300));

  const names = (body: { repositories: { name: string }[] }) => body.repositories.map(({ name }) => name);

  it("are listed in pages, in order of name", async () => {
    const { body } = await admin().get("/git?limit=2").expect(200);
    assert.deepEqual(names(body), ["a", "b"]);
    const { updatedAt, ...first } = body.repositories[0];
    assert.ok(Date.parse(updatedAt) <= Date.now());
    assert.deepEqual(first, {
      ...{ name: "a", url: `${skiff.url}/git/a.git`, branch: "main", head: commits[0] },
      ...{ isGroup: false, functions: ["a"] },
    });
    const rest = (await admin().get(`/git?limit=2&cursor=${body.next}`).expect(200)).body;
    assert.deepEqual([names(rest), rest.next], [["shop"], null]);
  });

  it("are found by a function of theirs", async () => {
    for (const [member, owners] of [
      ["shop-pay", ["shop"]],
      ["a", ["a"]],
      ["none", []],
    ] as const) {
      assert.deepEqual(names((await admin().get(`/git?function=${member}`).expect(200)).body), owners);
    }
  });

  it("say what each function has, and how large they are", async () => {
    const { body } = await admin().get("/git/shop").expect(200);
    const [cart] = body.functions;
    const traffic = [{ version: 1, weight: 1 }];
    assert.deepEqual(cart, { name: "shop-cart", path: "shop-cart", version: 1, traffic });
    assert.equal(body.mirror, null);
    assert.ok(body.bytes > 100, body.bytes);
    const { code, detail } = (await admin().get("/git/none").expect(404)).body;
    assert.equal(code, "unknown_repository", detail);
  });

  it("list commits with the versions that they became, in pages that a push does not move", async () => {
    const first = (await as(read.authorization).get("/git/a/commits?limit=2").expect(200)).body;
    assert.deepEqual(
      first.commits.map(({ id, versions }: { id: string; versions: object }) => [id, versions]),
      [
        [commits[0], { a: 5 }],
        [commits[1], { a: 4 }],
      ],
    );
    const { at, ...newest } = first.commits[0];
    assert.equal(Date.parse(at), 1_700_000_000_000);
    assert.deepEqual(newest, {
      ...{ id: commits[0], parents: [commits[1]], author: "Ada", email: "ada@example.com" },
      ...{ subject: "Commit 5", body: "", versions: { a: 5 } },
    });
    const rest = (await admin().get(`/git/a/commits?cursor=${first.next}`).expect(200)).body;
    assert.deepEqual(
      rest.commits.map(({ id }: { id: string }) => id),
      commits.slice(2),
    );
    assert.equal(rest.next, null);
  });

  it("list the commits of one function", async () => {
    assert.equal((await admin().get("/git/a/commits?function=a").expect(200)).body.commits.length, PAST);
    // Its folder is in no commit of the chain.
    assert.deepEqual((await admin().get("/git/shop/commits?function=shop-pay").expect(200)).body.commits, []);
    const { body } = await admin().get("/git/shop/commits?function=a").expect(404);
    assert.match(body.detail, /no function "a". Its functions: shop-cart, shop-pay\./);
  });

  it("refuse cursors that are not theirs", async () => {
    for (const cursor of ["x", `${"0".repeat(40)}-1`, `--output=x-1`, `${"a".repeat(40)}--1`]) {
      const { body } = await admin()
        .get(`/git/a/commits?cursor=${encodeURIComponent(cursor)}`)
        .expect(400);
      assert.equal(body.code, "invalid_request");
    }
  });

  it("show what a commit changes, by any beginning of its id", async () => {
    const { text, headers } = await admin()
      .get(`/git/a/commits/${commits[0]!.slice(0, 8)}/diff`)
      .expect(200);
    assert.match(headers["content-type"]!, /^text\/x-diff/);
    assert.match(text, /^-export default \(\) => 4;\n\+export default \(\) => 5;$/m);
    for (const id of ["ffffffff", "main", "--help"]) {
      const { body } = await admin().get(`/git/a/commits/${id}/diff`).expect(404);
      assert.equal(body.code, "unknown_commit");
    }
  });

  it("are seen by keys that may use all of their functions", async () => {
    assert.deepEqual(names((await as(onlyA.authorization).get("/git").expect(200)).body), ["a"]);
    assert.deepEqual(names((await as(onlyA.authorization).get("/git?function=b").expect(200)).body), []);
    await as(onlyA.authorization).get("/git/a").expect(200);
    for (const path of ["b", "shop", "shop/commits", `shop/commits/${commits[0]}/diff`, "none"]) {
      const { body } = await as(onlyA.authorization).get(`/git/${path}`).expect(403);
      assert.equal(body.code, "insufficient_scope");
    }
    await as(onlyA.authorization).delete("/git/shop").expect(403);
    await as(onlyA.authorization).patch("/git/shop").send({ branch: "next" }).expect(403);
    await as(read.authorization).patch("/git/a").send({ branch: "next" }).expect(403);
  });

  it("are cloned and pushed with keys that may use all of their functions", async () => {
    for (const [key, status] of [
      [ofShop, 200],
      [onlyA, 403],
      [named, 403],
    ] as const) {
      const basic = `Basic ${Buffer.from(`git:${key.text}`).toString("base64")}`;
      for (const service of ["git-upload-pack", "git-receive-pack"])
        await as(basic).get(`/git/shop.git/info/refs?service=${service}`).expect(status);
      await as(basic)
        .post("/git/shop.git/git-receive-pack")
        .type("application/x-git-receive-pack-request")
        .send("0000")
        .expect(status);
    }
  });

  it("deploy from another branch once it is chosen, and keep the versions that serve", async () => {
    const { body } = await admin().patch("/git/b").send({ branch: "next" }).expect(200);
    assert.equal(body.branch, "next");
    assert.notEqual(body.head, null);
    assert.deepEqual(body.functions[0].traffic, [{ version: 1, weight: 1 }]);
    const [newest] = (await admin().get("/git/b/commits").expect(200)).body.commits;
    assert.equal(newest.subject, "Commit 4");
    await admin().patch("/git/b").send({ branch: "main" }).expect(200);
  });

  it("refuse branches that they do not have, and names that are none", async () => {
    const unknown = (await admin().patch("/git/a").send({ branch: "feature" }).expect(400)).body;
    assert.match(unknown.detail, /no branch "feature": push it first, as in git push origin main:feature/);
    for (const branch of ["", "-f", "a b", "a..b", "HEAD", "x.lock", "a//b", "refs/", "../x", 7, undefined]) {
      const { body } = await admin().patch("/git/a").send({ branch }).expect(400);
      assert.match(body.detail, /send one, as in \{"branch": "main"\}/);
    }
    const { detail } = (await admin().patch("/git/a").send({ brnch: "main" }).expect(400)).body;
    assert.match(detail, /"brnch" is unknown/);
  });

  it("do not deploy from a branch without an end", async () => {
    const GIT_DIR = join(folder, "git", "b.git");
    const git = (input: string, ...args: string[]) =>
      execFileSync("git", args, { env: { PATH: process.env.PATH, GIT_DIR, ...PERSON }, input })
        .toString()
        .trim();
    let entry = `100644 blob ${git("x", "hash-object", "-w", "--stdin")}`;
    for (let level = 0; level < 12; level++) {
      const tree = Array.from({ length: 10 }, (_, index) => `${entry}\tn${index}\n`).join("");
      entry = `040000 tree ${git(tree, "mktree")}`;
    }
    git("", "update-ref", "refs/heads/endless", git("", "commit-tree", "-m", "Bomb", entry.split(" ")[2]!));
    const { body } = await admin().patch("/git/b").send({ branch: "endless" }).expect(422);
    assert.deepEqual([body.code, /over 20000/.test(body.detail)], ["push_refused", true], body.detail);
    assert.equal((await admin().get("/git/b").expect(200)).body.branch, "main");
  });

  it("are not opened by whoever signs nothing", async () => {
    const open = home.open.bind(home);
    const opened: string[] = [];
    home.open = (name) => {
      opened.push(name);
      return open(name);
    };
    try {
      await request(skiff.url).post("/git/a/hook").set("x-gitlab-token", "wrong").send({}).expect(401);
      await admin().get("/git?function=a").expect(200);
      await as(onlyA.authorization).get("/git/b").expect(403);
      assert.deepEqual(opened, []);
    } finally {
      home.open = open;
    }
  });

  it("say that git failed, in lists and in rollbacks as well", async () => {
    const { list, ownerOf } = home;
    const fails = () =>
      Promise.reject(new GitFailed("show-ref", { exitCode: 128, stderr: "fatal: bad ref" }));
    home.list = fails;
    home.ownerOf = fails;
    try {
      for (const asked of [admin().get("/git"), admin().post(`/func/a/rollback?to=${commits[0]}`)]) {
        const { body } = await asked;
        assert.equal(body.code, "git_failed");
        assert.match(body.detail, /fatal: bad ref/);
      }
    } finally {
      home.list = list;
      home.ownerOf = ownerOf;
    }
  });

  it("can be removed, without their functions", async () => {
    await admin().delete("/git/shop").expect(200);
    assert.deepEqual(names((await admin().get("/git").expect(200)).body), ["a", "b"]);
    await admin().get("/func/shop-cart").expect(200);
    const { body } = await admin().delete("/git/shop").expect(404);
    assert.equal(body.code, "unknown_repository");
  });

  it("say which git serves them", async () => {
    const { git } = (await admin().get("/system").expect(200)).body;
    assert.match(git.version, /^\d+\.\d+/);
  });
});

describe("manager: git repositories where there are none", () => {
  let skiff: StartedManager;
  before(async () => {
    skiff = await startManager();
  });
  after(() => skiff.stop());

  it("say so, and the rest works", async () => {
    for (const path of ["/git", "/git/a", "/git/a/commits"]) {
      const { body } = await request(skiff.url).get(path).expect(501);
      assert.equal(body.code, "git_missing");
    }
    const { git } = (await request(skiff.url).get("/system").expect(200)).body;
    assert.deepEqual(git, {
      version: null,
      detail: "This manager keeps no repositories: start it with a gitHome.",
    });
    await request(skiff.url).post("/func?name=a").send("x").expect(201);
  });
});
