import assert from "node:assert/strict";
import { packTar } from "../../../manager/files/archive.ts";
import { writeCommits } from "../../../manager/git/tree/write-commits.ts";
import { plainGit } from "../homes/plain-git.ts";
import { RecordedRepository } from "./recorded-repository.ts";

const archive = async (files: Readonly<Record<string, string>>) => {
  const contents = Object.entries(files).map(([path, text]) => [path, Buffer.from(text)] as const);
  return { type: "application/x-tar", bytes: await packTar(new Map(contents)) } as const;
};

describe("recordVersions", () => {
  let recorded: RecordedRepository;
  beforeEach(() => {
    recorded = new RecordedRepository({ versionsKept: 4 });
  });
  afterEach(() => recorded.close());

  it("makes the same commits everywhere", async () => {
    for (const code of ["one", "two", "one"]) await recorded.deploy("hello", code);
    const first = await recorded.record("hello");
    await recorded.means.home.remove("hello");
    assert.equal((await recorded.record("hello"))?.head, first?.head);
    assert.deepEqual(Object.keys(first?.state.functions.hello?.versions ?? {}), ["1", "2", "3"]);
  });

  it("forgets versions, and keeps their commits", async () => {
    for (let version = 1; version <= 6; version++) {
      await recorded.deploy("hello", `version ${version}`);
      await recorded.record("hello");
    }
    const { functions } = (await recorded.record("hello"))!.state;
    assert.deepEqual(Object.keys(functions.hello!.versions), ["3", "4", "5", "6"]);
    assert.equal((await recorded.log("hello")).length, 6);
  });

  it("keeps files that are for git alone, and comments of settings", async () => {
    await recorded.deploy("hello", "one", { patch: { max: 3 } });
    const { path, head, state } = (await recorded.record("hello"))!;
    const files = new Map([".gitignore", "main.ts", "skiff.yaml"].map((name) => [name, Buffer.from(name)]));
    files.set("skiff.yaml", Buffer.from("# Ours.\nmax: 3\n"));
    const [pushed] = await writeCommits(plainGit, path, [
      { parent: head!, files, author: "Ada", at: new Date(), message: "Explain" },
    ]);
    const repository = (await recorded.means.home.open("hello"))!;
    const refs = [{ ref: "refs/heads/main", from: head!, to: pushed! }];
    await repository.save({ state: { ...state, tip: pushed! }, refs });
    await recorded.deploy("hello", "two", { patch: { max: 4, env: { TOKEN: "hidden" } } });
    assert.deepEqual(await recorded.files("hello"), { "main.ts": "two", "skiff.yaml": "# Ours.\nmax: 4\n" });
    const { path: bare, head: tip } = (await recorded.record("hello"))!;
    const kept = await plainGit.run(["cat-file", "blob", `${tip}:.gitignore`], { repository: bare });
    assert.equal(kept.toString(), ".gitignore");
  });

  it("leaves previews beside the branch until they take calls", async () => {
    await recorded.deploy("hello", "one", { message: "One" });
    await recorded.record("hello");
    const preview = await recorded.deploy("hello", "preview", { message: "Preview", percent: 0 });
    assert.deepEqual(await recorded.log("hello"), ["One"]);
    await recorded.platform.route("hello", [{ version: preview, weight: 1 }]);
    assert.deepEqual(await recorded.log("hello"), ["Preview", "One"]);
    await recorded.platform.route("hello", [{ version: 1, weight: 1 }]);
    assert.deepEqual(await recorded.log("hello"), ["Roll back hello to version 1", "Preview", "One"]);
    assert.deepEqual(await recorded.files("hello"), { "main.ts": "one" });
    await recorded.platform.route("hello", [{ version: 2, weight: 1 }]);
    assert.equal((await recorded.log("hello"))[0], "Switch hello to version 2");
  });

  it("has a single program under the name of its language", async () => {
    const bytes = Buffer.from("#!/usr/bin/env python3\nprint(1)\n");
    const patch = { runtime: "program" };
    await recorded.deploy("job", { type: "application/octet-stream", bytes }, { patch });
    assert.deepEqual(await recorded.files("job"), {
      "main.py": bytes.toString(),
      "skiff.yaml": "runtime: program\n",
    });
  });

  it("removes the repository with its function, and never mixes two of them", async () => {
    await recorded.deploy("hello", "one", { message: "One" });
    await recorded.record("hello");
    await recorded.platform.remove("hello");
    await recorded.deploy("hello", "another", { message: "Another" });
    assert.deepEqual(await recorded.log("hello"), ["Another"]);
    await recorded.platform.remove("hello");
    assert.equal(await recorded.record("hello"), undefined);
    assert.equal(await recorded.means.home.open("hello"), undefined);
  });

  it("changes the file or folder of a function of a group, and its entry", async () => {
    await recorded.deploy("hello", "one");
    const { path, state } = (await recorded.record("hello"))!;
    const text = "functions:\n  hello: hello.ts\n  other:\n    # Ours.\n    source: other/\n";
    const files = new Map(
      Object.entries({ "skiff.yaml": text, "hello.ts": "one", "other/main.ts": "two", README: "r" }),
    );
    const bytes = new Map([...files].map(([name, content]) => [name, Buffer.from(content)]));
    const commit = { parent: undefined, files: bytes, author: "Ada", at: new Date(), message: "Group" };
    const [tip] = await writeCommits(plainGit, path, [commit]);
    await recorded.deploy("other", await archive({ "main.ts": "two" }));
    const none = { serving: 1, version: 1, versions: {} };
    const versionOf = async (name: string) => {
      const { hash } = (await recorded.platform.find(name))!;
      return { ...none, versions: { 1: { commit: tip!, hash } } };
    };
    const functions = {
      hello: { path: "hello.ts", ...(await versionOf("hello")) },
      other: { path: "other", ...(await versionOf("other")) },
    };
    const repository = (await recorded.means.home.open("hello"))!;
    const refs = [{ ref: "refs/heads/main", from: state.tip!, to: tip! }];
    await repository.save({ state: { ...state, isGroup: true, tip: tip!, functions }, refs });
    assert.deepEqual(await recorded.log("hello"), ["Group"]);

    await recorded.deploy("other", await archive({ "main.ts": "three", "lib.ts": "x" }), {
      patch: { max: 3 },
    });
    await recorded.deploy("hello", await archive({ "main.ts": "four", "b.ts": "y" }), { message: "Four" });
    assert.deepEqual(await recorded.log("hello"), ["Four", "Deploy other version 2", "Group"]);
    assert.deepEqual(await recorded.files("hello"), {
      README: "r",
      "hello/b.ts": "y",
      "hello/main.ts": "four",
      "other/lib.ts": "x",
      "other/main.ts": "three",
      "skiff.yaml":
        "functions:\n  hello:\n    source: hello/\n  other:\n    # Ours.\n    source: other/\n    max: 3\n",
    });
    await recorded.platform.route("other", [{ version: 1, weight: 1 }]);
    const back = await recorded.files("hello");
    assert.equal(back["other/main.ts"], "two");
    assert.equal(back["other/lib.ts"], undefined);
    assert.equal(back["hello/main.ts"], "four");
    assert.doesNotMatch(back["skiff.yaml"]!, /max/);
    await recorded.platform.remove("other");
    assert.deepEqual(Object.keys((await recorded.record("hello"))!.state.functions), ["hello"]);
  });

  it("costs little when nothing changed", async () => {
    for (let version = 1; version <= 4; version++) await recorded.deploy("hello", `version ${version}`);
    const repository = (await recorded.record("hello"))!;
    const { revision } = repository as unknown as { revision: number };
    const again = (await recorded.record("hello")) as unknown as { revision: number };
    assert.equal(again.revision, revision);
  });
});
