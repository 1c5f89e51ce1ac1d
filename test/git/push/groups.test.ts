import assert from "node:assert/strict";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";
import { type GitResult, GitUser } from "../support/git-user.ts";

const answering = (text: string) => `export default () => new Response("${text}");\n`;

describe("a push to a group", () => {
  let skiff: StartedSkiff;
  let shop: GitUser;

  before(async () => {
    skiff = await startedSkiff();
    shop = await GitUser.init(`${skiff.url}/git/shop.git`);
  });

  after(async () => {
    shop.close();
    await skiff.close();
  });

  const call = async (name: string) => await (await fetch(`${skiff.url}/fn/${name}`)).text();
  const get = async (path: string) => await (await fetch(`${skiff.url}${path}`)).json();
  const versionsOf = async (name: string): Promise<number[]> =>
    (await get(`/func/${name}/versions`)).versions.map(({ version }: { version: number }) => version);
  const accepted = ({ code, stderr }: GitResult): string => {
    assert.equal(code, 0, stderr);
    return stderr;
  };
  const refused = ({ code, stderr }: GitResult): string => {
    assert.notEqual(code, 0, stderr);
    return stderr;
  };

  it("deploys every function of its skiff.yaml, and its topics", async () => {
    await shop.commit({
      "skiff.yaml":
        "functions:\n  cart:\n    env: { GREETING: hi }\n  price: price.ts\ntopics:\n  orders: {}\n",
      "cart/main.ts": answering("cart one"),
      "price.ts": answering("price one"),
    });
    const said = accepted(await shop.push());
    assert.match(said, /\/fn\/cart {2}version 1$/m);
    assert.match(said, /\/fn\/price {2}version 1$/m);
    assert.deepEqual([await call("cart"), await call("price")], ["cart one", "price one"]);
    assert.equal((await get("/topic/orders")).name, "orders");
  });

  it("deploys only those whose files or settings changed", async () => {
    await shop.commit({ "price.ts": answering("price two") });
    const said = accepted(await shop.push());
    assert.match(said, /\/fn\/price {2}version 2$/m);
    assert.deepEqual([await versionsOf("cart"), await versionsOf("price")], [[1], [2, 1]]);
    assert.equal(await call("price"), "price two");
  });

  it("changes none if one does not build, and names the file in the tree", async () => {
    const before = await shop.git("rev-parse", "HEAD");
    await shop.commit({ "cart/main.ts": "export default 1 +;\n", "price.ts": answering("price three") });
    const said = refused(await shop.push());
    assert.match(said, /^cart\/main\.ts:1:\d+ /m);
    assert.match(said, /^main stays at [0-9a-f]{7}, cart version 1, price version 2 serve$/m);
    assert.deepEqual([await call("cart"), await call("price")], ["cart one", "price two"]);
    await shop.git("reset", "-q", "--hard", before);
  });

  it("names every mistake of its skiff.yaml", async () => {
    const before = await shop.git("rev-parse", "HEAD");
    await shop.commit({
      "skiff.yaml": "functions:\n  cart:\n    timout: 3s\n    memory: lots\n  price: price.ts\n",
    });
    const said = refused(await shop.push());
    assert.match(said, /^skiff\.yaml:3:5 Unknown setting "timout"/m);
    assert.match(said, /^skiff\.yaml:4:5 /m);
    await shop.git("reset", "-q", "--hard", before);
  });

  it("takes a function in that has a repository of its own, and says which one leaves", async () => {
    const alone = await GitUser.init(`${skiff.url}/git/stock.git`);
    try {
      await alone.commit({ "main.ts": answering("stock one") });
      accepted(await alone.push());
      await shop.git("rm", "-q", "price.ts");
      await shop.commit({
        "skiff.yaml": "functions:\n  cart:\n    env: { GREETING: hi }\n  stock: stock.ts\n",
        "stock.ts": answering("stock two"),
      });
      const said = accepted(await shop.push());
      assert.match(said, /^price left this repository, and stays deployed/m);
      assert.deepEqual([await call("stock"), await call("price")], ["stock two", "price two"]);
      const gone = await alone.run("fetch", "origin");
      assert.match(gone.stderr, /The function "stock" is in the repository "shop"/);
    } finally {
      alone.close();
    }
  });

  it("refuses a function of another group", async () => {
    const other = await GitUser.init(`${skiff.url}/git/other.git`);
    try {
      await other.commit({ "skiff.yaml": "functions:\n  cart: cart.ts\n", "cart.ts": answering("mine") });
      assert.match(refused(await other.push()), /^The function "cart" is in the repository "shop"/m);
      assert.equal(await call("cart"), "cart one");
    } finally {
      other.close();
    }
  });
}).timeout(60_000);

describe("a push with a skiff.yaml", () => {
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

  const SHOW = "export default () => Response.json(Deno.env.toObject());\n";
  const settings = async () => (await (await fetch(`${skiff.url}/func/hello`)).json()).settings;
  const push = async (files: Readonly<Record<string, string>>) => {
    await user.commit(files);
    const { code, stderr } = await user.push();
    assert.equal(code, 0, stderr);
    return stderr;
  };

  it("sets what it says, and keeps variables that it does not name", async () => {
    await push({ "main.ts": SHOW, "skiff.yaml": "timeout: 3s\nenv: { A: one }\n" });
    assert.equal((await settings()).timeoutMs, 3_000);
    const patched = await fetch(`${skiff.url}/func/hello`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ env: { SECRET_OF_API: "kept" } }),
    });
    assert.equal(patched.status, 200);
    await user.git("pull", "-q", "--rebase", "origin", "main");
    await push({ "skiff.yaml": "timeout: 4s\nenv: { B: two }\n" });
    const { timeoutMs, env } = await settings();
    assert.equal(timeoutMs, 4_000);
    assert.deepEqual(Object.keys(env).sort(), ["B", "SECRET_OF_API"]);
  });

  it("deploys nothing if it only says in other words what holds", async () => {
    const said = await push({ "skiff.yaml": "# A remark\ntimeout: 4000ms\nenv: { B: two }\n" });
    assert.match(said, /^hello: unchanged, version 3 has/m);
  });
}).timeout(60_000);
