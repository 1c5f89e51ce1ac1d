import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  INSIDE,
  type Place,
  type Profile,
  quote,
  sandboxCommand,
  startScript,
  type ToolName,
  WALL_KINDS,
} from "../../../../platform/local/wall/profile.ts";

const NAMES: readonly ToolName[] = [
  "bwrap",
  "unshare",
  "mount",
  "umount",
  "pivot_root",
  "setpriv",
  "sh",
  "mkdir",
  "chown",
  "touch",
];
const TOOLS = Object.fromEntries(NAMES.map((name) => [name, `/tools/${name}`]));
const PROFILE: Omit<Profile, "kind"> = {
  tools: TOOLS,
  isRoot: true,
  files: ["/tools/sh", "/lib/libc.so.6"],
  system: ["/etc/hosts"],
  deno: "/outside/deno",
  runtime: "/outside/runtime.mjs",
};
const PLACE: Place = {
  code: "/data/i/code",
  work: "/data/i/work",
  root: "/data/i/root",
  workBytes: 1024 ** 2,
  user: 61_200,
  network: { namespace: "outer", enter: [] },
};

describe("the command of a sandbox", () => {
  for (const kind of WALL_KINDS) {
    const command = (profile: Partial<Profile> = {}, place: Partial<Place> = {}) =>
      sandboxCommand({ ...PROFILE, kind, ...profile }, { ...PLACE, ...place });
    const text = (...args: Parameters<typeof command>) => command(...args).join(" ");

    it(`of the kind ${kind} can write to its own folder in memory alone`, () => {
      const args = command();
      const writable = args.flatMap((arg, at) => (arg === "--bind" ? [args[at + 2]] : []));
      assert.deepEqual(
        writable.filter((path) => path !== INSIDE.work && path !== "/dev/shm"),
        [],
      );
      assert.match(
        text(),
        kind === "bwrap-plain" ? /--size 1048576 --tmpfs \/work / : /size=1048576,nr_inodes=128,/,
      );
      if (kind !== "bwrap-plain") assert.match(text(), /nosuid,nodev,nosymfollow/);
      const fixed =
        kind === "unshare"
          ? [/ -t proc -o ro,/, / -o remount,bind,ro,nosuid,nodev \/\n/]
          : [/--remount-ro \/proc /, /--remount-ro \/ /];
      for (const part of fixed) assert.match(text(), part);
    });

    it(`of the kind ${kind} gives up every right, and where it can every identity`, () => {
      const root = text({ isRoot: true });
      assert.match(
        root,
        /setpriv --reuid=61200 --regid=61200 --clear-groups --bounding-set=-all --inh-caps=-all/,
      );
      assert.match(root, /--no-new-privs/);
      const user = text({ isRoot: false });
      assert.doesNotMatch(user, /--reuid/);
      assert.match(
        user,
        kind === "unshare"
          ? /--bounding-set=-all/
          : /--unshare-user --uid 61200 --gid 61200 .*--cap-drop ALL/,
      );
    });

    it(`of the kind ${kind} has the network that it is given`, () => {
      const own = kind === "unshare" ? / --net / : / --unshare-net /;
      assert.doesNotMatch(text(), own);
      assert.match(text({}, { network: { namespace: "own", enter: [] } }), own);
      const network = {
        namespace: "outer",
        enter: ["nsenter", "--net=/n", "--"],
        resolvConf: "/data/resolv",
      } as const;
      assert.deepEqual(command({}, { network }).slice(0, 3), ["nsenter", "--net=/n", "--"]);
      assert.match(text({}, { network }), /\/data\/resolv/);
    });

    it(`of the kind ${kind} cannot be made without its tools`, () => {
      const { setpriv: _, ...tools } = TOOLS;
      assert.throws(() => command({ tools }), /setpriv is not installed/);
    });
  }

  it("survives paths with spaces and quotes", () => {
    const strange = "/data/it's a $(place)/work";
    const command = sandboxCommand({ ...PROFILE, kind: "unshare" }, { ...PLACE, root: strange });
    const script = command[command.indexOf("-c") + 1]!;
    const { stdout, stderr } = spawnSync("sh", ["-n", "-c", script], { encoding: "utf8" });
    assert.deepEqual([stdout, stderr], ["", ""]);
    assert.ok(script.includes(quote(strange)));
  });
});

describe("the script that starts an instance", () => {
  /** What the program would get: its arguments and variables, as a real shell hands them on. */
  function handedOn(args: readonly string[], env: Record<string, string>) {
    const script = startScript({ arguments: args, env, openFiles: 64 })
      .replace(`cd ${INSIDE.scratch}`, "cd /")
      .replace(
        quote(INSIDE.deno),
        `${quote(process.execPath)} -e ${quote("console.log(JSON.stringify([process.argv.slice(1), process.env]))")} --`,
      );
    const { stdout, stderr } = spawnSync("sh", ["-c", script], { encoding: "utf8", env: {} });
    assert.equal(stderr, "");
    return JSON.parse(stdout) as [string[], Record<string, string>];
  }

  it("hands every argument and variable on as it is", () => {
    const args = ["--allow-net=a,b", "it's", "$(touch x)", "a\nb", "", "`id`", "\\"];
    const env = {
      QUOTE: 'it\'s "that"',
      LINES: "a\nb\n",
      args: "own",
      set: "x",
      IFS: "a",
      PATH: "/none",
      EMPTY: "",
    };
    const [seenArgs, seenEnv] = handedOn(args, env);
    assert.deepEqual(seenArgs, args);
    for (const [name, value] of Object.entries(env)) assert.equal(seenEnv[name], value, name);
  });

  it("refuses what is no name of a variable", () => {
    for (const name of ["a b", "1A", "A=B", "A;id", ""]) {
      assert.throws(
        () => startScript({ arguments: [], env: { [name]: "x" }, openFiles: 64 }),
        /no name of a variable/,
      );
    }
  });
});
