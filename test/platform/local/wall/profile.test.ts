import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  type Place,
  type Profile,
  sandboxCommand,
  startScript,
} from "../../../../platform/local/wall/profile.ts";

const tools = Object.fromEntries(
  ["bwrap", "unshare", "mount", "umount", "pivot_root", "setpriv", "sh", "mkdir", "chown"].map((name) => [
    name,
    `/usr/bin/${name}`,
  ]),
);
const profile = (kind: Profile["kind"], isRoot: boolean): Profile => ({
  ...{ kind, isRoot, tools, files: ["/lib/libc.so"], system: ["/etc/hosts"] },
  runtime: { binary: "/opt/de'no", program: "/data/runtime.mjs" },
});
const place = (namespace: "own" | "outer"): Place => ({
  ...{
    code: "/data/i/co'de",
    work: "/data/i/work",
    root: "/data/i/root",
    workBytes: 1_048_576,
    user: 61_234,
  },
  network: { namespace, enter: ["/enter"] },
});
const KINDS = ["bwrap", "bwrap-plain", "unshare"] as const;

describe("the command of a sandbox", () => {
  for (const kind of KINDS) {
    for (const isRoot of [true, false]) {
      const text = (namespace: "own" | "outer" = "own") =>
        sandboxCommand(profile(kind, isRoot), place(namespace)).join(" ");

      it(`of kind ${kind}, ${isRoot ? "as root" : "without root"}, makes namespaces and leaves no rights`, () => {
        const command = text();
        assert.ok(command.startsWith("/enter "));
        assert.match(
          command,
          kind === "unshare" ? /--mount --pid --ipc --uts/ : /--unshare-pid --unshare-ipc --unshare-uts/,
        );
        if (isRoot || kind === "unshare") {
          assert.match(command, /--bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs/);
        }
        if (isRoot) assert.match(command, /--reuid=61234 --regid=61234 --clear-groups/);
        else assert.match(command, /--user --map-root-user|--unshare-user/);
        if (kind !== "unshare") assert.match(command, /--cap-drop ALL/);
      });

      it(`of kind ${kind}, ${isRoot ? "as root" : "without root"}, limits the folder that can be written to`, () => {
        const command = text();
        if (kind === "bwrap-plain") assert.match(command, /--size 1048576 --tmpfs \/work/);
        else assert.match(command, /size=1048576,nr_inodes=128,mode=0700\S*,nosuid,nodev,nosymfollow/);
      });

      it(`of kind ${kind}, ${isRoot ? "as root" : "without root"}, has a network of its own only if it is to`, () => {
        const own = kind === "unshare" ? /--net\b/ : /--unshare-net/;
        assert.match(text("own"), own);
        assert.doesNotMatch(text("outer"), own);
      });
    }

    if (kind !== "unshare") {
      it(`of kind ${kind} follows links for programs, gives them /tmp and names their user`, () => {
        const wide = { links: { "/bin": "usr/bin" }, hidden: ["/usr/data"] };
        const command = sandboxCommand({ ...profile(kind, true), wide }, place("own")).join(" ");
        assert.doesNotMatch(command, /nosymfollow/);
        assert.match(command, /--symlink usr\/bin \/bin --symlink \/work\/scratch \/tmp/);
        assert.match(command, /--tmpfs \/usr\/data --remount-ro \/usr\/data/);
        assert.match(command, /--ro-bind \/data\/i\/co'de\/passwd \/etc\/passwd/);
      });
    }

    it(`of kind ${kind} says which tool is not installed`, () => {
      const { sh: _, ...without } = tools;
      assert.throws(
        () => sandboxCommand({ ...profile(kind, true), tools: without }, place("own")),
        /^Error: sh is not installed$/,
      );
    });
  }

  it("quotes paths for the shell", () => {
    const command = sandboxCommand(profile("unshare", true), place("own")).join(" ");
    assert.ok(command.includes(`'/data/i/co'\\''de'`));
    assert.ok(command.includes(`'/opt/de'\\''no'`));
  });
});

describe("the script that starts an instance", () => {
  /** What the script would run, and with which variables. */
  function run(args: readonly string[], env: Record<string, string>): string[] {
    const script = startScript({ command: ["/skiff/deno", ...args], env }, { openFiles: 64 })
      .replace(/^cd \S+/, "cd /")
      .replace(
        'exec "$@"',
        `"${process.execPath}" -e 'process.stdout.write(JSON.stringify([process.argv.slice(1), process.env]))' -- "$@"`,
      );
    const { stdout, stderr } = spawnSync("/bin/sh", ["-c", script], { env: {}, encoding: "utf8" });
    assert.equal(stderr, "");
    return JSON.parse(stdout) as string[];
  }

  it("hands on arguments and values as they are", () => {
    const nasty = ["a b", "$(touch /x)", "`id`", "'", '"', "\\", "line\nbreak", "*", "-n", "", "ünï"];
    const env = Object.fromEntries(nasty.map((value, at) => [`V${at}`, value]));
    const [args, seen] = run(nasty, env) as unknown as [string[], Record<string, string>];
    assert.deepEqual(args.slice(1), nasty);
    for (const [name, value] of Object.entries(env)) assert.equal(seen[name], value);
  });

  it("is not steered by variables with names of the shell's own", () => {
    const env = { IFS: "/", PATH: "/nowhere", ENV: "/etc/profile", PS4: "$(id)", CDPATH: "/", HOME: "x" };
    const [args, seen] = run(["a/b"], env) as unknown as [string[], Record<string, string>];
    assert.deepEqual(args.slice(1), ["a/b"]);
    assert.equal(seen.IFS, "/");
  });

  for (const name of ["A B", "A=B", "A;id", "1A", "", "A\nB"]) {
    it(`refuses a variable with the name ${JSON.stringify(name)}`, () => {
      assert.throws(
        () => startScript({ command: [], env: { [name]: "" } }, {}),
        /is not a valid variable name/,
      );
    });
  }
});
