import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ProjectFiles } from "../../../../platform/local/projects/project-files.ts";
import { BundleFiles } from "../../../../platform/local/store/bundle-files.ts";
import type { Artifact } from "../../../../platform/platform.ts";
import { packedProject } from "../../../support/packed-project.ts";

const project = (mark: string): Artifact => ({
  kind: "project",
  code: packedProject({ "src/main.ts": "main", "page.txt": mark }, "src/main.ts"),
});
const module: Artifact = { kind: "module", code: Buffer.from("export default 1;") };

describe("the files of versions", () => {
  let folder: string;
  let projects: ProjectFiles;
  let files: BundleFiles;
  let reads: string[];
  let stored: Map<string, Artifact>;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-bundles-"));
    projects = new ProjectFiles();
    reads = [];
    stored = new Map();
    files = new BundleFiles({
      root: join(folder, "functions"),
      projects,
      read: async ({ name, version }) => {
        reads.push(`${name} ${version}`);
        return stored.get(`${name} ${version}`);
      },
    });
  });
  afterEach(async () => {
    await projects.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const first = { name: "a", version: 1 };
  const second = { name: "a", version: 2 };
  const page = (path: string) => readFileSync(join(path, "page.txt"), "utf8");

  it("of a project are a folder with its entry, and those of a module one file", async () => {
    await files.write(first, project("one"));
    await files.write(second, module);
    const [folderOf, file] = [await files.hold(first), await files.hold(second)];
    assert.equal(folderOf.project?.entry, "src/main.ts");
    assert.equal(page(folderOf.path), "one");
    assert.equal(file.project, undefined);
    assert.equal(readFileSync(file.path, "utf8"), "export default 1;");
    assert.deepEqual(reads, []);
  });

  it("are written from the store when they are needed, once for all who ask", async () => {
    stored.set("a 1", project("stored"));
    const held = await Promise.all([files.hold(first), files.hold(first), files.hold(first)]);
    assert.deepEqual(new Set(held.map(({ path }) => page(path))), new Set(["stored"]));
    assert.deepEqual(reads, ["a 1"]);
  });

  it("are written again if somebody removed them", async () => {
    stored.set("a 1", project("stored"));
    const { path } = await files.hold(first);
    rmSync(path, { recursive: true });
    assert.equal(page((await files.hold(first)).path), "stored");
    assert.deepEqual(reads, ["a 1", "a 1"]);
  });

  it("stay while they are held, and go with the last use of a retired version", async () => {
    await files.write(first, project("one"));
    const { path } = await files.hold(first);
    await files.hold(first);
    assert.equal(await files.retire(first), undefined);
    await files.release(first);
    assert.ok(existsSync(path));
    await files.release(first);
    assert.ok(!existsSync(path));
    assert.ok(!existsSync(join(folder, "functions", "a")));
  });

  it("of a version with the same content are links to those of the other, and outlive them", async () => {
    await files.write(first, project("same"));
    await files.copy(first, second);
    const [from, to] = [await files.hold(first), await files.hold(second)];
    assert.notEqual(from.path, to.path);
    assert.equal(to.project?.entry, "src/main.ts");
    const inode = ({ path }: { path: string }) => statSync(join(path, "page.txt")).ino;
    assert.equal(inode(from), inode(to));
    await files.release(first);
    await files.retire(first);
    assert.ok(!existsSync(from.path));
    assert.equal(page(to.path), "same");
  });

  it("of a function that is made anew are apart from those of the removed one", async () => {
    await files.write(first, project("removed"));
    const before = await files.hold(first);
    await files.retire(first);
    const again = { ...first };
    await files.write(again, project("new"));
    const after = await files.hold(again);
    assert.deepEqual([page(before.path), page(after.path)], ["removed", "new"]);
    await files.release(first);
    assert.deepEqual([existsSync(before.path), page(after.path)], [false, "new"]);
  });

  it("of a damaged project are an error, and leave nothing", async () => {
    const code = project("x").code.subarray(0, -40);
    await assert.rejects(files.write(first, { kind: "project", code }));
    stored.set("a 2", { kind: "project", code });
    await assert.rejects(files.hold(second));
    stored.set("a 2", project("whole"));
    const { path } = await files.hold(second);
    assert.equal(page(path), "whole");
    assert.ok(!existsSync(join(dirname(path), "project.part")));
  });
});
