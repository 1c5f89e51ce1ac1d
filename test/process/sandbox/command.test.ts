import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  bwrapCommand,
  limitedCommand,
  type SandboxSpec,
  unshareCommand,
} from "../../../process/sandbox/command.ts";

const tools = Object.fromEntries(
  ["bwrap", "unshare", "mount", "umount", "pivot_root", "setpriv", "sh", "mkdir"].map((name) => [
    name,
    `/usr/bin/${name}`,
  ]),
);
const spec: SandboxSpec = {
  ...{ tools, namespaces: ["pid", "user"], user: 65_534, root: "/data/root", cwd: "/own" },
  read: { "/lib": "/usr/lib" },
  readIfThere: { "/etc/hosts": "/et'c/hosts" },
  write: { "/own": "/data/own" },
  env: { WORDS: "it's $HOME" },
};

describe("the command of a sandbox", () => {
  it("of bubblewrap mounts what is given, and leaves out what is optional and absent", () => {
    const command = bwrapCommand(spec, ["/lib/program", "argument"]).join(" ");
    assert.match(command, / --ro-bind \/usr\/lib \/lib --ro-bind-try \/et'c\/hosts \/etc\/hosts /);
    assert.match(command, / --bind \/data\/own \/own .* --chdir \/own \/lib\/program argument$/);
    assert.match(command, / --clearenv .*--setenv WORDS it's \$HOME /);
  });

  it("of unshare does the same", () => {
    const command = unshareCommand(spec, ["/lib/program", "argument"]);
    const script = command.find((part) => part.startsWith("set -e"))!;
    assert.match(script, /^ro '\/usr\/lib' '\/data\/root\/lib'$/m);
    assert.match(script, /^try '\/et'\\''c\/hosts' /m);
    assert.match(script, /^bind '\/data\/own' '\/data\/root\/own'$/m);
    assert.match(script, /^export WORDS='it'\\''s \$HOME'\nexec "\$@"$/m);
    assert.deepEqual(command.slice(-2), ["/lib/program", "argument"]);
    assert.equal(spawnSync("/bin/sh", ["-n", "-c", script]).status, 0);
  });

  it("of bubblewrap makes links, and empties what is hidden after it is mounted", () => {
    const more = { links: { "/a/tmp": "/own" }, hidden: ["/lib/secret"] };
    const command = bwrapCommand({ ...spec, ...more }, []).join(" ");
    assert.match(
      command,
      / --ro-bind \/usr\/lib \/lib .*--tmpfs \/lib\/secret --remount-ro \/lib\/secret --proc /,
    );
    assert.match(command, / --dir \/a --.* --symlink \/own \/a\/tmp --remount-ro \/proc /);
  });

  it("makes the folders above every mount, so that users other than root can enter them", () => {
    const command = bwrapCommand({ ...spec, read: { "/a/b/x": "/x" }, readIfThere: {} }, []);
    assert.match(command.join(" "), / --perms 0755 --dir \/a --perms 0755 --dir \/a\/b --ro-bind /);
  });

  it("limits files, memory and descriptors, and allows no core file", () => {
    const limits = { dataKiB: 1024 ** 2, fileKiB: 8, openFiles: 64, processes: 300 };
    const command = limitedCommand(limits, [
      "/bin/sh",
      "-c",
      "ulimit -d; ulimit -f; ulimit -n; ulimit -c; ulimit -u 2>/dev/null || ulimit -p",
    ]);
    const { stdout } = spawnSync(command[0]!, command.slice(1), { encoding: "utf8" });
    assert.deepEqual(stdout.trim().split("\n"), [String(1024 ** 2), "16", "64", "0", "300"]);
  });
});
