import assert from "node:assert/strict";
import { zipSync } from "fflate";
import { recognizeSource } from "../../../../../runtimes/deno/build/source.ts";
import { readSourceFiles } from "../../../../../runtimes/deno/build/worker/source-files.ts";
import { limits, problemOf, type TarEntry, tarOf } from "../building.ts";

type Links = Readonly<Record<string, string>>;
type Pack = (files: Readonly<Record<string, string>>, links: Links) => Promise<Uint8Array>;

const UNIX = 3;
const LINK_MODE = 0o120777;

const packTar: Pack = (files, links) =>
  tarOf([
    ...Object.entries(links).map(([name, linkname]): TarEntry => ({ name, linkname, type: "symlink" })),
    ...Object.entries(files).map(([name, text]) => ({ name, text })),
  ]);
const packZip: Pack = async (files, links) => {
  const encoder = new TextEncoder();
  return zipSync(
    Object.fromEntries([
      ...Object.entries(files).map(([name, text]) => [name, encoder.encode(text)] as const),
      ...Object.entries(links).map(
        ([name, target]) => [name, [encoder.encode(target), { os: UNIX, attrs: LINK_MODE << 16 }]] as const,
      ),
    ]),
  );
};

const read = async (bytes: Uint8Array, within = limits) =>
  await readSourceFiles(recognizeSource(bytes, within), within);
const textsOf = async (bytes: Uint8Array) => {
  const files = [...(await read(bytes))].map(([path, content]) => [path, Buffer.from(content).toString()]);
  return Object.fromEntries(files);
};

for (const [kind, pack] of Object.entries({ tar: packTar, zip: packZip })) {
  describe(`symbolic links in a ${kind}`, () => {
    it("have the content of the files and folders that they lead to", async () => {
      const files = { "shared/notice.txt": "notice", "shared/deep/a.ts": "a" };
      const links = {
        "notice.txt": "shared/notice.txt",
        lib: "./shared",
        "shared/up.txt": "../lib/deep/../notice.txt",
        deeper: "lib/deep",
      };
      assert.deepEqual(await textsOf(await pack(files, links)), {
        ...files,
        "notice.txt": "notice",
        "shared/up.txt": "notice",
        "lib/notice.txt": "notice",
        "lib/deep/a.ts": "a",
        "lib/up.txt": "notice",
        "deeper/a.ts": "a",
      });
    });

    it("to the programs of packages are left out", async () => {
      const found = await textsOf(
        await pack({ "main.ts": "" }, { "node_modules/.bin/tool": "../tool/cli.js" }),
      );
      assert.deepEqual(Object.keys(found), ["main.ts"]);
    });

    const refused: Record<string, [links: Links, message: RegExp]> = {
      "an absolute target": [
        { a: "/etc/passwd" },
        /"a" in the archive is a symlink to "\/etc\/passwd", which leads out/,
      ],
      "a target outside": [{ "x/a": "../../etc/passwd" }, /which leads out of the archive/],
      "a target that is not there": [{ a: "b" }, /which is not in the archive/],
      "a target below a file": [{ a: "main.ts/b" }, /which is not in the archive/],
      itself: [{ a: "a" }, /which leads back to itself/],
      "each other": [{ a: "b", b: "a" }, /which leads back to itself/],
      "its own folder": [{ "x/a": ".", "x/b": "../main.ts" }, /is a link that leads back to its own folder/],
      "a folder around it": [{ "x/y/a": "../../x" }, /is a link that leads back to its own folder/],
    };
    for (const [what, [links, message]] of Object.entries(refused)) {
      it(`are refused if they lead to ${what}`, async () => {
        const problem = await problemOf(read(await pack({ "main.ts": "" }, links)), "invalid_source");
        assert.match(problem.detail, message);
      });
    }

    it("count with the size of what they repeat", async () => {
      const small = { ...limits, sourceBytes: 100_000 };
      const links = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`l${at}`, "big.txt"]));
      const bytes = await pack({ "main.ts": "", "big.txt": "x".repeat(10_000) }, links);
      assert.match((await problemOf(read(bytes, small), "source_too_large")).detail, /unpacked/);
    });

    it("cannot double what they lead to without end", async () => {
      const links = Object.fromEntries(
        Array.from({ length: 40 }, (_, at) => [
          [`f${at + 1}/a`, `../f${at}`],
          [`f${at + 1}/b`, `../f${at}`],
        ]).flat(),
      );
      for (const files of [{ "f0/x": "" }, { "f0/x/y": "" }] as Record<string, string>[]) {
        const problem = await problemOf(read(await pack(files, links)), "invalid_source");
        assert.match(problem.detail, /over 20000 files|is a link to too much/);
      }
    });
  });
}

describe("hard links in a tar", () => {
  it("name their target from the root of the archive", async () => {
    const bytes = await tarOf([
      { name: "./lib/a.ts", text: "a" },
      { name: "./lib/b.ts", type: "link", linkname: "./lib/a.ts" },
    ]);
    assert.deepEqual(await textsOf(bytes), { "lib/a.ts": "a", "lib/b.ts": "a" });
  });
});
