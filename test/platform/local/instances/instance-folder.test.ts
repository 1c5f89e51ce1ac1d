import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  InstanceFolders,
  recordPid,
  removeInstance,
} from "../../../../platform/local/instances/instance-folder.ts";
import { startOf } from "../../../../platform/local/instances/process-table.ts";

describe("the folders of instances", () => {
  let data: string;
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), "skiff-test-folders-"));
  });
  afterEach(() => rmSync(data, { recursive: true, force: true }));

  const sleeper = (...args: string[]) =>
    spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", "--", ...args], { stdio: "ignore" });

  it("are different every time, for their owner only, with a scratch folder and a path for a socket", async () => {
    const folders = new InstanceFolders(data);
    const made = Array.from({ length: 100 }, () => folders.create());
    assert.equal(new Set(made.map(({ id }) => id)).size, 100);
    const [{ path, scratch, socket } = made[0]!] = made;
    assert.equal(statSync(scratch).mode & 0o777, 0o700);
    assert.ok(Buffer.byteLength(socket) <= 100);
    await removeInstance(made[0]!, undefined);
    assert.ok(!existsSync(path));
    folders.close();
    assert.deepEqual(readdirSync(data), []);
  });

  it("have sockets near the temporary folder when the data folder is far", () => {
    const far = mkdtempSync(join(data, "x".repeat(100)));
    const folders = new InstanceFolders(far);
    const { socket } = folders.create();
    assert.ok(Buffer.byteLength(socket) <= 100, socket);
    assert.ok(!socket.startsWith(far));
    const again = new InstanceFolders(far);
    assert.ok(!existsSync(join(socket, "..")), "what the one before left is removed");
    again.close();
    assert.deepEqual(readdirSync(far), []);
  });

  for (const [where, depth] of [
    ["inside of it", ""],
    ["elsewhere", "x".repeat(100)],
  ] as const) {
    it(`that are ${where} outlive the start of a copy of their data folder`, async () => {
      // The copy's path ends as the original's begins, which must not be mistaken for it either.
      const original = join(data, depth, "copy", "data");
      const copy = join(data, depth, "data");
      mkdirSync(original, { recursive: true });
      const folder = new InstanceFolders(original).create();
      const child = sleeper(`--allow-write=${folder.scratch},${folder.socket}`);
      const ended = once(child, "exit");
      try {
        recordPid(folder, child.pid!);
        cpSync(original, copy, { recursive: true });
        const folders = new InstanceFolders(copy);
        assert.ok(existsSync(folder.scratch));
        folders.close();
        assert.ok(existsSync(folder.scratch));
        assert.deepEqual(readdirSync(copy), []);
      } finally {
        child.kill();
        assert.deepEqual(await ended, [null, "SIGTERM"]);
        // As the next start of the original does.
        new InstanceFolders(original).close();
        assert.ok(!existsSync(folder.path));
      }
    });
  }

  it("that are elsewhere are left alone when another folder took the place of theirs", () => {
    const far = join(data, "x".repeat(100));
    mkdirSync(far);
    const folders = new InstanceFolders(far);
    const { scratch } = folders.create();
    cpSync(far, `${far}-copy`, { recursive: true });
    renameSync(far, `${far}-moved`);
    renameSync(`${far}-copy`, far);
    new InstanceFolders(far).close();
    assert.ok(existsSync(scratch));
    folders.close();
  });

  it("that a crash left behind are removed, and their processes ended", async () => {
    const folder = new InstanceFolders(data).create();
    const child = sleeper(`--allow-read=${data}/bundle.mjs,${folder.scratch}`);
    const ended = once(child, "exit");
    recordPid(folder, child.pid!);
    writeFileSync(join(folder.scratch, "left"), "");
    new InstanceFolders(data).create();
    assert.deepEqual(await ended, [null, "SIGKILL"]);
    assert.ok(!existsSync(folder.path));
  });

  it("do not make another process pay for the number that it got", async () => {
    const folders = new InstanceFolders(data);
    const innocent = sleeper();
    const ended = once(innocent, "exit");
    try {
      const { path, owner } = folders.create();
      const later = JSON.stringify({ pid: innocent.pid, start: `${startOf(innocent.pid!)}0`, owner });
      for (const text of [later, String(innocent.pid), `{"pid":${innocent.pid}`]) {
        writeFileSync(join(path, "pid"), text);
        new InstanceFolders(data);
        mkdirSync(path, { recursive: true });
      }
      for (const pid of [0, 1, -1, 2 ** 22, Number.NaN]) recordPid(folders.create(), pid);
      new InstanceFolders(data);
      process.kill(innocent.pid!, 0);
    } finally {
      innocent.kill();
      assert.deepEqual(await ended, [null, "SIGTERM"]);
    }
  });
});
