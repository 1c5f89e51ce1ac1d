import assert from "node:assert/strict";
import { type ChildProcess, execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { buffer, text } from "node:stream/consumers";
import { type ShellCommand, WaitingShells } from "../../../manager/git/program/waiting-shells.ts";
import { eventually } from "../../support/eventually.ts";

const MEMORY_BYTES = 1024 ** 3;

/** None of a process that has ended. */
function variablesOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return "";
    throw error;
  }
}

describe("shells that wait for commands of git", () => {
  let shells: WaitingShells;
  let mark: string;
  beforeEach(() => {
    mark = randomUUID();
    shells = new WaitingShells({ PATH: process.env.PATH!, GIVEN: mark });
  });
  afterEach(() => shells.close());

  const start = (args: readonly string[], more: Partial<ShellCommand> = {}) => {
    const command = { folder: "/", env: {}, args, memoryBytes: MEMORY_BYTES, hasChannel: false, ...more };
    const child = shells.start(command);
    child.stdin!.on("error", () => {});
    return child;
  };
  const printed = (child: ChildProcess) => text(child.stdout!);
  /** The processes that wait, without those of other tests. */
  const waiting = () =>
    execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(process.pid)], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line.includes("no channel"))
      .map((line) => Number.parseInt(line, 10))
      .filter((pid) => variablesOf(pid).includes(mark));
  const untilWaiting = () => eventually("a shell waits", () => waiting().length > 0);

  const HOSTILE = [
    "two\nlines",
    "\n",
    "run\nrun\n",
    "",
    " a  b ",
    "$(touch /tmp/x)`id`$HOME",
    `"'\\`,
    "-x",
    "x".repeat(10_000),
    "part x",
    "Á\u3041\u{1F600}",
  ];

  it("pass every text as it is, whether they waited or not", async () => {
    const run = async () => {
      const env = { ONE: "a\n$(id)\n", TWO: "'\"\\ b", GIVEN: "other" };
      const script = 'printf "%s\\0" "$@" "$ONE" "$TWO" "$GIVEN" "$PWD"';
      const child = start(["sh", "-c", script, "sh", ...HOSTILE], { env, folder: "/usr" });
      assert.deepEqual((await printed(child)).split("\0").slice(0, -1), [
        ...HOSTILE,
        ...Object.values(env),
        "/usr",
      ]);
    };
    await run();
    await untilWaiting();
    await run();
  });

  it("leave the standard input to the command", async () => {
    await printed(start(["true"]));
    await untilWaiting();
    const child = start(["cat"]);
    const input = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 256));
    child.stdin!.end(input);
    assert.deepEqual(await buffer(child.stdout!), input);
  });

  it("keep descriptor 3 for a command that asks for it", async () => {
    const script = ["sh", "-c", "{ echo line >&3; } 2>/dev/null || echo none"];
    const child = start(script, { hasChannel: true });
    const channel = child.stdio[3] as NodeJS.ReadableStream;
    assert.equal(await text(channel), "line\n");
    assert.equal(await printed(start(script)), "none\n");
  });

  it("bound the files of a command", async () => {
    assert.equal(await printed(start(["sh", "-c", "ulimit -f"], { fileBytes: 4096 })), "8\n");
  });

  it("are replaced when somebody ends them, and refuse a NUL", async () => {
    await printed(start(["true"]));
    await untilWaiting();
    for (const pid of waiting()) process.kill(pid, "SIGKILL");
    // Skiff may notice only when it has given one a command.
    await eventually("a command runs", async () => (await printed(start(["echo", "one"]))) === "one\n");
    assert.throws(() => start(["echo", "a\0b"]), /NUL/);
  });

  it("end with their owner", async () => {
    await printed(start(["true"]));
    await untilWaiting();
    await shells.close();
    assert.deepEqual(waiting(), []);
    assert.equal(await printed(start(["echo", "late"])), "late\n");
  });

  it("end with their owner, also where one has ended before", async () => {
    await printed(start(["true"]));
    await untilWaiting();
    const [pid] = waiting();
    process.kill(pid!, "SIGTERM");
    await eventually("its parent knows", () => !existsSync(`/proc/${pid}`));
    await shells.close();
    assert.deepEqual(waiting(), []);
  }).timeout(5_000);
});
