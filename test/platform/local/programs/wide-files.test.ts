import assert from "node:assert/strict";
import { type MachineFiles, wideFiles } from "../../../../platform/local/programs/wide-files.ts";

const MACHINE: MachineFiles = {
  top: new Map<string, string | undefined>([
    ...["/usr", "/lib32", "/etc", "/home", "/root", "/opt", "/srv"].map((path) => [path, undefined] as const),
    ["/bin", "usr/bin"],
    ["/lib64", "usr/lib64"],
  ]),
  etc: [
    "alternatives",
    "passwd",
    "shadow",
    "group",
    "ssl",
    "java-17-openjdk",
    "python3.11",
    "skiff",
    "sudoers",
  ],
  needed: ["/usr/lib/libc.so.6", "/nix/store/libc.so.6"],
  secret: ["/var/lib/skiff"],
};

describe("what programs see of the machine", () => {
  it("is its system folders, as folders or as the links that they are", () => {
    const { files, wide } = wideFiles(MACHINE);
    assert.deepEqual(files, ["/usr", "/lib32", "/nix/store/libc.so.6"]);
    assert.deepEqual(wide.links, { "/bin": "usr/bin", "/lib64": "usr/lib64" });
  });

  it("is of its settings only what holds no secret", () => {
    const { system } = wideFiles(MACHINE);
    for (const name of ["alternatives", "java-17-openjdk", "python3.11", "ssl/certs"]) {
      assert.ok(system.includes(`/etc/${name}`), name);
    }
    for (const name of ["passwd", "shadow", "group", "ssl", "skiff", "sudoers"]) {
      assert.ok(!system.includes(`/etc/${name}`), name);
    }
  });

  it("is never the data folder, wherever it is", () => {
    assert.deepEqual(wideFiles(MACHINE).wide.hidden, []);
    const hidden = (path: string) => wideFiles({ ...MACHINE, secret: [path] }).wide.hidden;
    assert.deepEqual(hidden("/usr/src/app/data"), ["/usr/src/app/data"]);
    assert.deepEqual(hidden("/usrdata"), []);
  });
});
