import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DOCS = globSync("docs/*.md", { cwd: ROOT }).sort();
const DOCUMENTS = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "bench/README.md",
  ...DOCS,
];
const COLUMNS = 120;

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** Lines outside of code blocks. */
function proseOf(path: string): string[] {
  let isCode = false;
  return read(path)
    .split("\n")
    .filter((line) => {
      const isFence = line.trimStart().startsWith("```");
      if (isFence) isCode = !isCode;
      return !isFence && !isCode;
    });
}

/** Anchors of a document's headings, as GitHub makes them. */
function anchorsOf(path: string): string[] {
  const headings = proseOf(path).flatMap((line) => /^#+ (.+)$/.exec(line)?.[1] ?? []);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\-_ ]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function brokenLinks(path: string): string[] {
  const links = [
    ...proseOf(path)
      .join("\n")
      .matchAll(/\]\(([^)]+)\)/g),
  ].map(([, link]) => link!);
  return links.filter((link) => {
    if (/^https?:/.test(link)) return false;
    const [file = "", anchor] = link.split("#");
    const target = file === "" ? path : join(dirname(path), file);
    if (!existsSync(join(ROOT, target))) return true;
    return anchor !== undefined && !anchorsOf(target).includes(anchor);
  });
}

/** Files and folders of the repository that are named in back-ticks, from the root or from `test/`. */
function missingFiles(path: string): string[] {
  const named = /`((?:[\w-]+\/)+(?:[\w.-]+\.(?:ts|js|sh|md|json|yaml))?)`/g;
  const names = [...proseOf(path).join("\n").matchAll(named)].map(([, name]) => name!);
  return names.filter((name) => !["", "test"].some((folder) => existsSync(join(ROOT, folder, name))));
}

describe("README", () => {
  const readme = read("README.md");

  it("is at most 120 lines long", () => assert.ok(readme.trimEnd().split("\n").length <= 120));

  it("links to every document", () => {
    const unlinked = DOCS.filter((path) => !readme.includes(`](${path}`));
    assert.deepEqual(unlinked, []);
  });
});

describe("ARCHITECTURE", () => {
  /** At 200 words a minute. */
  it("takes a stranger at most ten minutes", () => {
    const words = read("ARCHITECTURE.md").split(/\s+/).length;
    assert.ok(words <= 2_000, `it has ${words} words`);
  });
});

for (const path of DOCUMENTS) {
  describe(path, () => {
    it(`has lines of at most ${COLUMNS} columns, tables and code excepted`, () => {
      const long = proseOf(path).filter((line) => line.length > COLUMNS && !line.startsWith("|"));
      assert.deepEqual(long, []);
    });

    it("links to files and headings that exist", () => assert.deepEqual(brokenLinks(path), []));

    it("names files that exist", () => assert.deepEqual(missingFiles(path), []));
  });
}
