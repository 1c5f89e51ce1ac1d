import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findControllers } from "../../../../platform/local/resources/controllers.ts";

/** Folders with the files of control groups that are read to find out what may be done. */
describe("the controllers of control groups", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "skiff-test-controllers-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function group(path: string, files: Record<string, string> = {}): string {
    const folder = join(root, path);
    mkdirSync(folder, { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
    return folder;
  }

  const v1 = (name: string, path: string, inside = "/") =>
    `40 30 0:30 ${inside} ${join(root, path)} rw,nosuid - cgroup cgroup rw,${name}`;
  const v2 = (inside = "/") => `40 30 0:30 ${inside} ${root} rw,nosuid shared:4 - cgroup2 cgroup2 rw`;

  it("of version 1 are in the groups that Skiff is in, each in its own", () => {
    const memory = group("memory/own/deep");
    const cpu = group("cpu");
    const mounts = [
      v1("memory", "memory"),
      v1("cpu,cpuacct", "cpu"),
      "29 1 8:1 / / rw - ext4 /dev/sda rw",
    ].join("\n");
    const own = "9:memory:/own/deep\n8:cpu,cpuacct:/\n7:pids:/\n0::/\n";
    assert.deepEqual(findControllers({ mounts, own, family: [1], isRoot: false }), {
      memory: { version: 1, folder: memory },
      cpu: { version: 1, folder: cpu },
    });
  });

  it("of a container are below what it sees of them", () => {
    const memory = group("memory/inner");
    const mounts = v1("memory", "memory", "/docker/0123");
    const found = findControllers({
      mounts,
      own: "9:memory:/docker/0123/inner\n",
      family: [],
      isRoot: false,
    });
    assert.deepEqual(found, { memory: { version: 1, folder: memory } });
    const outside = findControllers({ mounts, own: "9:memory:/docker/4567\n", family: [], isRoot: false });
    assert.deepEqual(outside, {});
  });

  const unit = { "cgroup.controllers": "cpuset cpu io memory pids\n", "cgroup.subtree_control": "" };

  it("of version 2 are handed on by moving Skiff itself out of the way", () => {
    const own = group("unit", { ...unit, "cgroup.procs": "10\n11\n" });
    const found = findControllers({ mounts: v2(), own: "0::/unit\n", family: [11, 10, 1], isRoot: false });
    const controller = { version: 2, folder: own };
    assert.deepEqual(found, { memory: controller, pids: controller, cpu: controller });
    assert.equal(readFileSync(join(own, "skiff-main", "cgroup.procs"), "utf8"), "11");
    assert.equal(readFileSync(join(own, "cgroup.subtree_control"), "utf8"), "+memory +pids +cpu");
  });

  it("of version 2 are found again by a process that is out of the way already", () => {
    const own = group("unit", { ...unit, "cgroup.subtree_control": "cpu memory pids\n", "cgroup.procs": "" });
    group("unit/skiff-main");
    const found = findControllers({ mounts: v2(), own: "0::/unit/skiff-main\n", family: [], isRoot: false });
    assert.equal(found.memory?.folder, own);
    assert.equal(readFileSync(join(own, "cgroup.subtree_control"), "utf8"), "cpu memory pids\n");
  });

  it("of version 2 are not taken from a group that others are in, whom root leaves alone as well", () => {
    const own = group("session", { ...unit, "cgroup.procs": "10\n99\n" });
    const sources = { mounts: v2(), own: "0::/session\n", family: [10] };
    assert.deepEqual(findControllers({ ...sources, isRoot: false }), {});
    group(".", { "cgroup.controllers": "memory\n", "cgroup.subtree_control": "memory\n" });
    const found = findControllers({ ...sources, isRoot: true });
    assert.deepEqual(found, { memory: { version: 2, folder: root } });
    assert.equal(readFileSync(join(own, "cgroup.subtree_control"), "utf8"), "");
  });

  it("may be of both versions on one machine", () => {
    const memory = group("memory");
    group("unified", { "cgroup.controllers": "pids\n", "cgroup.subtree_control": "", "cgroup.procs": "" });
    const unified = join(root, "unified");
    const mounts = `${v1("memory", "memory")}\n40 30 0:30 / ${unified} rw - cgroup2 cgroup2 rw`;
    const found = findControllers({ mounts, own: "9:memory:/\n0::/\n", family: [], isRoot: true });
    assert.deepEqual(found, {
      memory: { version: 1, folder: memory },
      pids: { version: 2, folder: unified },
    });
  });
});
