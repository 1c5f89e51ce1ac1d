import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { NO_COMMIT } from "../../../manager/git/repository.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";
import { GitUser } from "../support/git-user.ts";
import { type RawEntry, RawRepository } from "../tree/raw-repository.ts";
import { type RawPush, sendPush } from "./raw-push.ts";

const SOURCE = 'export default () => new Response("one");\n';
const MAIN = "refs/heads/main";
const LONGEST_ANSWER_MS = 3_000;

/** What Skiff itself writes while a test runs, such as caches. */
const OF_SKIFF =
  /^(git\/\w+\.git\/.|build|functions|instances|deno|networks|run|programs\.bpf|compiled|skiff\.db|history)/;

describe("a hostile push", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  let raw: RawRepository;
  let user: GitUser;
  let tip: string;
  let atFirst: unknown;
  /** A commit of another repository. */
  let foreign: string;
  /** A file that text of pushes would make if anything ran it. */
  let canary: string;

  before(async () => {
    skiff = await startedSkiff({ env: { SKIFF_MAX_PUSH: "2Mi", SKIFF_MAX_SOURCE: "1Mi" } });
    await skiff.deploy("hello", SOURCE);
    await skiff.deploy("other", SOURCE.replace("one", "other"));
    raw = new RawRepository();
    user = new GitUser(raw.path);
    canary = join(raw.path, "canary");
    await user.git("remote", "add", "origin", repository());
    await user.git("fetch", "-q", "origin");
    tip = await user.git("rev-parse", "origin/main");
    foreign = (await user.git("ls-remote", repository("other"), MAIN)).slice(0, 40);
    atFirst = await present();
  });

  after(async () => {
    raw.remove();
    await skiff.close();
  });

  const repository = (name = "hello") => `${skiff.url}/git/${name}.git`;
  const get = async (path: string) => await (await fetch(`${skiff.url}${path}`)).json();
  const main = () => ({ name: "main.ts", id: raw.blob(SOURCE) });
  const file = (name: string | Buffer, content = "x") => ({ name, id: raw.blob(content) });
  const folder = (name: string, id = raw.files("x")) => ({ name, id, mode: "40000" });
  const link = (name: string, target: string) => ({ name, id: raw.blob(target), mode: "120000" });
  const commitOf = (tree: string) => raw.commit(tree, { parents: [tip] });
  /** A commit that Skiff would deploy. */
  const good = () => commitOf(raw.tree(main(), file("note.txt")));
  /** Packs these objects, and nothing that they name. */
  const packOf = async (...ids: readonly string[]) =>
    await raw.git.run(["pack-objects", "--stdout", "-q"], { repository: raw.path, input: ids.join("\n") });
  const send = (push: RawPush, name?: string) => sendPush(repository(name), push);
  const push = async (id: string, ref = MAIN) => {
    const { code, stderr } = await user.push({ to: `${id}:${ref}` });
    assert.notEqual(code, 0, stderr);
    return stderr;
  };

  /** What no refused push changes. */
  async function present() {
    const refs = await fetch(`${repository()}/info/refs?service=git-upload-pack`);
    const files = readdirSync(skiff.dataFolder, { recursive: true, encoding: "utf8" });
    return {
      refs: await refs.text(),
      functions: await get("/func"),
      versions: [await get("/func/hello/versions"), await get("/func/other/versions")],
      repositories: ((await get("/git")) as { repositories: { name: string }[] }).repositories.map(
        ({ name }) => name,
      ),
      files: files.filter((path) => !OF_SKIFF.test(path)).sort(),
      quarantines: files.filter((path) => /incoming|\.lock$|tmp_pack/.test(path)),
    };
  }

  /** Runs a push beside calls of a function, which are answered soon. */
  async function besideCalls<T>(work: () => Promise<T>): Promise<T> {
    let isDone = false;
    let longestMs = 0;
    const calls = (async () => {
      while (!isDone) {
        const startedAt = performance.now();
        assert.equal(await (await fetch(`${skiff.url}/fn/hello`)).text(), "one");
        longestMs = Math.max(longestMs, performance.now() - startedAt);
        await pause(50);
      }
    })();
    try {
      return await work();
    } finally {
      isDone = true;
      await calls;
      assert.ok(longestMs < LONGEST_ANSWER_MS, `a call took ${Math.round(longestMs)} ms`);
    }
  }

  /** @param prepare returns the push */
  function isRefused(
    what: string,
    line: RegExp,
    prepare: () => Promise<string> | (() => Promise<string>),
  ): void {
    it(`is refused and changes nothing: ${what}`, async () => {
      const prepared = prepare();
      const said = await besideCalls(() => (typeof prepared === "function" ? prepared() : prepared));
      assert.match(said, line);
      assert.ok(!/TypeError|\n {4}at /.test(said), said);
      assert.deepEqual(await present(), atFirst);
      assert.ok(!existsSync(canary), "a text of the push was run");
    });
  }

  const trees: readonly [what: string, entries: () => readonly RawEntry[], line: RegExp][] = [
    ["the folder of git", () => [folder(".git")], /hasDotgit|name of git's own folder/],
    ["the folder of git in capitals", () => [folder(".GIT")], /hasDotgit|name of git's own folder/],
    ["an ignored character in .git", () => [file(".g\u200cit")], /hasDotgit|name of git's own folder/],
    ["a path that leads out", () => [folder("..")], /hasDotdot|leads out of its folder/],
    ["one file twice", () => [file("A.ts"), file("a.ts")], /^"A.ts" and "a.ts" are one file/m],
    ["a path with an escape", () => [file("\u001b[2Jx")], /^"\\u001b\[2Jx" has a control character/m],
    ["links out of the tree", () => [link("a", "../../etc/passwd")], /^"a" is a link to .* out of the tree/m],
    ["a submodule", () => [{ name: "lib", id: "1".repeat(40), mode: "160000" }], /^"lib" is a submodule/m],
    [
      "a pointer of Git LFS",
      () => [file("big", `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\n`)],
      /^"big" is a pointer of Git LFS/m,
    ],
    [
      "submodules with a command",
      () => [file(".gitmodules", `[submodule "x"]\n\tpath = x\n\turl = --upload-pack=touch\n`)],
      /gitmodulesUrl/,
    ],
    [
      "a blob that unpacks to 48 MiB",
      () => [file("z", "\0".repeat(48 * 1024 ** 2))],
      /^The files of the commit have 48 MiB, over 3 MiB/m,
    ],
    ["folders without end", () => [folder("d", endless())], /^The commit has over 20000 f/m],
    ["folders in folders", () => [folder("d", nested(600))], /has a path over 1000 bytes/],
  ];
  for (const [what, entries, line] of trees) {
    isRefused(what, line, () => {
      const id = commitOf(raw.tree(...[main(), ...entries()].sort(byName)));
      return () => push(id);
    });
  }

  /** Folders that hold each other a billion times. */
  function endless(): string {
    let id = raw.files("x");
    for (let depth = 0; depth < 9; depth++) {
      id = raw.tree(...Array.from({ length: 10 }, (_, at) => folder(`d${at}`, id)));
    }
    return id;
  }
  function nested(depth: number): string {
    let id = raw.files("x");
    for (let at = 0; at < depth; at++) id = raw.tree(folder("d", id));
    return id;
  }

  for (const ref of [`refs/replace/${"1".repeat(40)}`, "refs/notes/commits", "refs/skiff/1", "refs/x"]) {
    isRefused(ref, /is no branch and no tag|hidden ref/, () => push(good(), ref));
  }
  isRefused("a branch like an option", /^"-x" is not a valid name/m, () => push(good(), "refs/heads/-x"));
  isRefused("a branch HEAD", /^"HEAD" is not a valid name/m, () => push(good(), "refs/heads/HEAD"));
  isRefused("a branch below main", /^main\/x cannot be beside main/m, () =>
    push(good(), "refs/heads/main/x"),
  );
  isRefused("main deleted", /^main deploys, and cannot be deleted/m, () => push(""));
  isRefused("a blob as a branch", /which is (an annotated tag|a file): push a commit/, () =>
    push(main().id, "refs/heads/side"),
  );
  isRefused("a tag as main", /which is (an annotated tag|a file): push a commit/, async () => {
    const id = good();
    await user.git("tag", "-f", "-a", "-m", "x", "annotated", id);
    return push(await user.git("rev-parse", "annotated"));
  });
  const lengths = [
    ["a push over the limit, its length unknown", "65536", /exceeds maximum allowed size/],
    ["a push over the limit", "8000000", /The push has 3 MiB, at most 2 MiB|HTTP 413/],
  ] as const;
  for (const [what, bufferBytes, line] of lengths) {
    isRefused(what, line, async () => {
      await user.git("config", "http.postBuffer", bufferBytes);
      return push(commitOf(raw.tree({ name: "r", id: raw.blob(randomBytes(3 * 1024 ** 2)) })));
    });
  }
  isRefused("no function, to a new repository", /^main stays empty$/m, async () => {
    const id = raw.commit(raw.files("x"));
    return (await user.run("push", repository("new"), `${id}:${MAIN}`)).stderr;
  });
  isRefused("a name that leads out", /is not a valid name: use 1 to 52 characters/, () =>
    send(at(MAIN), "..%2f..%2fhello"),
  );
  const shell = () => `$(touch ${canary})`;
  const raws: readonly [what: string, push: () => RawPush | Promise<RawPush>, line: RegExp][] = [
    [
      "an option with a command",
      async () => ({
        ...(await moved()),
        options: [shell(), `\`touch ${canary}\``, `"; touch ${canary}; "`],
      }),
      /^Unknown push option/m,
    ],
    [
      "an option with lines for the hook",
      async () => ({ ...(await moved()), options: [`message=x\nend\nupdate ${tip} ${tip} ${MAIN}`] }),
      /^Unknown push option "end"/m,
    ],
    ["a ref with a command", () => at(`refs/heads/${shell()}`), /is not a valid name/],
    ["a ref with an escape", () => at("refs/heads/\u001b[2Jx"), /\\u001b\[2Jx" is not a valid name/],
    ["a ref with a line for the hook", () => at("refs/heads/x\nend"), /declined|protocol|funny/],
    ["a ref that leads out", () => at("refs/heads/../../../config"), /is not a valid name/],
    [
      "a branch twice",
      async () => {
        const { commands, pack } = await moved();
        return { commands: [...commands, [tip, tip, MAIN]], pack: pack! };
      },
      /^main was pushed twice: push it once\.$/m,
    ],
    [
      "9,500 tags",
      () => ({ commands: Array.from({ length: 9_500 }, (_, at) => [NO_COMMIT, tip, `refs/tags/${at}`]) }),
      /9501 branches and tags, at most 1000/,
    ],
    ["a commit that is not sent", () => ({ commands: [[tip, good(), MAIN]] }), /missing necessary objects/],
    [
      "a blob that is not sent",
      async () => {
        const tree = raw.tree(main(), file("secret", "of another"));
        const id = commitOf(tree);
        return { commands: [[tip, id, MAIN]], pack: await packOf(id, tree) };
      },
      /did not receive expected object|missing necessary objects/,
    ],
    [
      "the commit of another repository",
      () => ({ commands: [[NO_COMMIT, foreign, "refs/heads/side"]] }),
      /missing necessary objects/,
    ],
    [
      "a pack with a wrong sum",
      async () => {
        const { commands, pack } = await moved();
        return { commands, pack: Buffer.from(pack!).fill(0, pack!.length - 20) };
      },
      /pack is corrupted|unpack/,
    ],
    [
      "a pack that ends early",
      async () => {
        const { commands, pack } = await moved();
        return { commands, pack: pack!.subarray(0, -30) };
      },
      /early EOF|unpack/,
    ],
    ["garbage", async () => ({ ...(await moved()), pack: randomBytes(10_000) }), /pack signature|unpack/],
  ];
  for (const [what, make, line] of raws) {
    isRefused(what, line, async () => send(await make()));
  }
  const at = (ref: string): RawPush => ({ commands: [[NO_COMMIT, tip, ref]] });
  /** The bytes of a push that would be deployed. */
  async function moved(): Promise<RawPush> {
    const id = good();
    const tree = await user.git("rev-parse", `${id}^{tree}`);
    return { commands: [[tip, id, MAIN]], pack: await packOf(id, tree, main().id, raw.blob("x")) };
  }

  it("runs no hook and no filter of its tree, and bounds its message", async () => {
    const run = `#!/bin/sh\ntouch ${canary}\n`;
    const hooks = raw.tree({ ...file("pre-receive", run), mode: "100755" });
    const tree = raw.tree(
      file(".gitattributes", "*.ts filter=x diff=x merge=x\n"),
      file(".gitconfig", `[filter "x"]\n\tsmudge = touch ${canary}\n`),
      folder("hooks", hooks),
      main(),
    );
    const id = raw.commit(tree, { parents: [tip], message: "\u001b[2J".repeat(200_000) });
    const { code, stderr } = await besideCalls(() => user.push({ to: `${id}:${MAIN}` }));
    assert.equal(code, 0, stderr);
    assert.ok(!stderr.includes("\u001b[2J"), "an escape reached the terminal");
    const { versions } = (await get("/func/hello/versions")) as { versions: { message?: string }[] };
    assert.ok(versions.every(({ message = "" }) => message.length <= 1_000));
    assert.equal((await fetch(`${skiff.url}/git/hello/commits`)).status, 200);
    assert.equal((await fetch(`${skiff.url}/git/hello/commits/${id}/diff`)).status, 200);
    assert.ok(!existsSync(canary));
  });
});

/** The order of git. */
function byName(one: RawEntry, other: RawEntry): number {
  const key = ({ name, mode }: RawEntry) => `${name.toString()}${mode === "40000" ? "/" : ""}`;
  return key(one) < key(other) ? -1 : 1;
}
