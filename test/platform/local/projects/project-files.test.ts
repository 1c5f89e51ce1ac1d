import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProjectFiles } from "../../../../platform/local/projects/project-files.ts";
import { eventually } from "../../../support/eventually.ts";
import { notTried } from "../../../support/not-tried.ts";
import { packedProject } from "../../../support/packed-project.ts";

describe("the files of projects", () => {
  let folder: string;
  let projects: ProjectFiles;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-projects-"));
    projects = new ProjectFiles();
  });
  afterEach(async () => {
    await projects.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const packed = packedProject(
    { "src/main.ts": "main", "node_modules/a/b/index.js": "index" },
    "src/main.ts",
  );
  const modeOf = (path: string) => statSync(path).mode & 0o777;

  it("are unpacked for everybody to read and nobody to write, whatever the umask", async () => {
    const before = process.umask(0o077);
    const to = join(folder, "new", "project");
    try {
      await projects.unpack(packed, to);
    } finally {
      process.umask(before);
    }
    assert.equal(readFileSync(join(to, "node_modules/a/b/index.js"), "utf8"), "index");
    assert.equal(modeOf(join(to, "src/main.ts")), 0o444);
    for (const path of ["", "node_modules", "node_modules/a/b"]) assert.equal(modeOf(join(to, path)), 0o755);
    assert.deepEqual(readdirSync(join(folder, "new")), ["project"]);
  });

  it("are linked, not copied, on one file system", async () => {
    const [from, to] = [join(folder, "from"), join(folder, "to")];
    await projects.unpack(packed, from);
    await projects.link(from, to);
    assert.equal(statSync(join(to, "src/main.ts")).ino, statSync(join(from, "src/main.ts")).ino);
    assert.equal(modeOf(join(to, "src")), 0o755);
    rmSync(from, { recursive: true });
    assert.equal(readFileSync(join(to, "src/main.ts"), "utf8"), "main");
  });

  it("have a spare folder after they were placed, which is not needed", async () => {
    const [from, spare] = [join(folder, "from"), join(folder, "from.spare")];
    const to = (index: number) => join(folder, `to-${index}`);
    await projects.unpack(packed, from);
    await projects.place(from, to(1));
    await eventually("there is a spare folder", () => existsSync(spare));
    await projects.place(from, to(2));
    assert.ok(!existsSync(spare));
    await eventually("there is another one", () => existsSync(spare));
    rmSync(spare, { recursive: true });
    await projects.place(from, to(3));
    for (const index of [1, 2, 3]) assert.equal(readFileSync(join(to(index), "src/main.ts"), "utf8"), "main");
    projects.forget(from);
  });

  it("are copied to another file system", async function () {
    const elsewhere = "/dev/shm";
    if (!existsSync(elsewhere) || statSync(elsewhere).dev === statSync(folder).dev)
      notTried(this, "there is no second file system");
    const other = mkdtempSync(join(elsewhere, "skiff-projects-"));
    try {
      await projects.unpack(packed, join(folder, "from"));
      await projects.link(join(folder, "from"), join(other, "to"));
      assert.equal(readFileSync(join(other, "to", "src/main.ts"), "utf8"), "main");
      assert.equal(modeOf(join(other, "to", "src/main.ts")), 0o444);
    } finally {
      rmSync(other, { recursive: true });
    }
  });

  it("leave nothing if they are damaged, or cannot be written whole", async () => {
    const to = join(folder, "project");
    await assert.rejects(projects.unpack(packed.subarray(0, -30), to));
    await assert.rejects(projects.unpack(packedProject({ "../evil": "" }), to), /leaves the project/);
    const clash = packedProject({ a: "a file", "a/b": "below it" }, "a");
    await assert.rejects(
      projects.unpack(clash, to),
      (error: NodeJS.ErrnoException) => error.code === "EEXIST" || error.code === "ENOTDIR",
    );
    assert.deepEqual(readdirSync(folder), []);
  });

  it("replace what an earlier Skiff left half made", async () => {
    const part = join(folder, "project.part");
    mkdirSync(part);
    writeFileSync(join(part, "left"), "");
    await projects.unpack(packed, join(folder, "project"));
    assert.deepEqual(readdirSync(join(folder, "project")).sort(), [
      "deno.json",
      "deno.lock",
      "node_modules",
      "src",
    ]);
    assert.deepEqual(readdirSync(folder), ["project"]);
  });

  it("report why a folder cannot be made, with the code of the system", async function () {
    if (process.getuid?.() === 0) notTried(this, "root writes everywhere");
    chmodSync(folder, 0o500);
    try {
      await assert.rejects(projects.unpack(packed, join(folder, "project")), { code: "EACCES" });
    } finally {
      chmodSync(folder, 0o700);
    }
  });

  it("are made for all who ask at once, also after a failure", async () => {
    const all = Array.from({ length: 20 }, (_, n) =>
      projects.unpack(n === 5 ? packed.subarray(0, 50) : packed, join(folder, `p${n}`)),
    );
    const outcomes = await Promise.allSettled(all);
    assert.deepEqual(
      outcomes.flatMap(({ status }, n) => (status === "rejected" ? [n] : [])),
      [5],
    );
    assert.equal(readdirSync(folder).length, 19);
  });
});
