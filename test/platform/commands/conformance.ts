import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import type { CommandEnd, CommandOrder, Commands } from "../../../platform/images/commands.ts";
import { Problem } from "../../../platform/problems.ts";
import { eventually } from "../../support/eventually.ts";
import { notTried } from "../../support/not-tried.ts";

export interface CommandsUnderTest {
  readonly commands: Commands;
  /** Has sh, cat, sleep, env, printf, head, tr, seq, yes, awk and wc. */
  readonly image: string;
  /** Lists what of commands is there: containers, Jobs, processes, files. */
  readonly left: () => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

/** What an implementation can do. */
export interface CommandAbilities {
  /** Tells the standard error from the output. */
  readonly separatesErrors: boolean;
  /** Ends a command that uses more memory than it may, and says so. */
  readonly limitsMemory: boolean;
  /** Runs images other than `image`. */
  readonly pullsImages: boolean;
  /** Ends every process of a command. */
  readonly endsTrees: boolean;
  /** Commands of the test that starts many. */
  readonly many: number;
  /** Longest time to start and to remove a command, in milliseconds. */
  readonly slowMs: number;
}

interface Result extends CommandEnd {
  readonly output: string;
  readonly errors: string | undefined;
}

/** The suite of the seam `Commands`. */
export function runsCommands(
  open: (test: Mocha.Context) => Promise<CommandsUnderTest>,
  abilities: CommandAbilities,
): void {
  const { separatesErrors, slowMs, many } = abilities;
  let tested: CommandsUnderTest;
  before(async function () {
    this.timeout(120_000);
    tested = await open(this);
  });
  after(() => tested?.close());
  afterEach(() => eventually("nothing is left", async () => (await tested.left()).length === 0, slowMs));

  const order = (command: readonly string[], more: Partial<CommandOrder> = {}): CommandOrder => ({
    ...{ id: randomUUID(), image: tested.image, command, env: {}, memoryMiB: 64, timeoutMs: 30_000 },
    ...more,
  });
  const run = async (
    command: readonly string[],
    more?: Partial<CommandOrder>,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Result> => {
    const running = await tested.commands.run(order(command, more), signal);
    const [output, errors, end] = await Promise.all([
      text(running.output),
      running.errors && text(running.errors),
      running.ended,
    ]);
    return { ...end, output, errors };
  };
  const sh = (script: string, more?: Partial<CommandOrder>) => run(["sh", "-c", script], more);
  const codeOf = (code: string) => (error: unknown) => {
    assert.ok(error instanceof Problem, String(error));
    assert.equal(error.code, code, error.detail);
    return true;
  };

  it("returns the output and the exit code", async () => {
    const result = await sh("echo out; exit 7");
    assert.deepEqual([result.output, result.exitCode, result.because], ["out\n", 7, undefined]);
    assert.ok(result.durationMs >= 0 && result.durationMs < slowMs, String(result.durationMs));
    assert.equal((await run(["true"])).exitCode, 0);
  }).timeout(3 * slowMs);

  it("tells its own exit with 137, and its own signal, from being ended", async () => {
    const own = await sh("exit 137");
    assert.deepEqual([own.exitCode, own.because], [137, undefined]);
    // The first process of a container gets no signal that it does not handle.
    const signalled = await sh("(sh -c 'kill -TERM $$; sleep 5'); exit $?");
    assert.deepEqual([signalled.exitCode, signalled.because], [143, undefined]);
  }).timeout(3 * slowMs);

  it("returns the standard error, apart where it can", async () => {
    const { output, errors } = await sh("echo out; echo err >&2");
    if (separatesErrors) assert.deepEqual([output, errors], ["out\n", "err\n"]);
    else assert.deepEqual([output.split("\n").toSorted(), errors], [["", "err", "out"], undefined]);
  }).timeout(2 * slowMs);

  it("returns 10 MiB of output whole, and each line once", async () => {
    const { output, exitCode } = await sh("seq 1 1500000 | head -c 10485760");
    assert.deepEqual([exitCode, output.length], [0, 10_485_760]);
    const expected = Array.from({ length: 1_500_000 }, (_, at) => `${at + 1}\n`).join("");
    assert.equal(hash(output), hash(expected.slice(0, 10_485_760)));
  }).timeout(20_000 + 2 * slowMs);

  it("returns the output of commands that end at once", async () => {
    for (let at = 0; at < many; at++) {
      const { output, exitCode } = await run(["echo", `line ${at}`]);
      assert.deepEqual([output, exitCode], [`line ${at}\n`, 0]);
    }
  }).timeout(many * slowMs + slowMs);

  it("passes output on while the command runs", async () => {
    const input = new Readable({ read() {} });
    const running = await tested.commands.run(
      order(["sh", "-c", "echo begun; cat"], { input }),
      new AbortController().signal,
    );
    const reader = running.output[Symbol.asyncIterator]();
    const next = async () => String((await reader.next()).value);
    assert.equal(await next(), "begun\n");
    input.push("more\n");
    assert.equal(await next(), "more\n");
    input.push(null);
    assert.equal((await reader.next()).done, true);
    assert.equal((await running.ended).exitCode, 0);
  }).timeout(2 * slowMs);

  it("gives it the standard input, and an empty one by default", async () => {
    const bytes = Buffer.alloc(1_000_000, "0123456789abcde\n");
    const { output } = await run(["cat"], {
      input: Readable.from([bytes.subarray(0, 9), bytes.subarray(9)]),
    });
    assert.equal(hash(output), hash(bytes));
    assert.equal((await run(["wc", "-c"])).output.trim(), "0");
    // It does not read its input.
    const { exitCode } = await run(["true"], { input: Readable.from([bytes]) });
    assert.equal(exitCode, 0);
  }).timeout(4 * slowMs);

  it("gives it exactly these arguments", async () => {
    const args = ["", "a  b", "'", '"', "$HOME", "$(id)", "%s", "\\", "*", "ü\n", "--", "-x", "$(VAR)", "$$"];
    const { output } = await run(["printf", "%s|", ...args]);
    assert.equal(output, args.map((arg) => `${arg}|`).join(""));
  }).timeout(2 * slowMs);

  it("gives it exactly these variables", async () => {
    const env = {
      PLAIN: "1",
      EMPTY: "",
      SPACES: " a  b ",
      QUOTES: `'"\``,
      SHELL_LIKE: "$HOME $(id) $(PLAIN) $$(PLAIN)",
      EQUALS: "a=b=c",
      LINES: "a\nb",
      OTHER: "schön €",
      BACKSLASH: "\\n\\",
      lower_1: "x",
    };
    const names = Object.keys(env);
    const { output } = await sh(`printf '%s|' ${names.map((name) => `"$${name}"`).join(" ")}`, { env });
    assert.equal(output, names.map((name) => `${env[name as keyof typeof env]}|`).join(""));
  }).timeout(2 * slowMs);

  it("gives it a folder to write to, and a way to find programs", async () => {
    const { output, errors, exitCode } = await sh('cd "$TMPDIR" && echo x > file && cat file; env', {
      env: { TMPDIR: "/tmp" },
    });
    assert.deepEqual([output.slice(0, 2), exitCode], ["x\n", 0], `${output}${errors}`);
    assert.match(output, /^PATH=\//m);
  }).timeout(2 * slowMs);

  it("ends a command that runs too long", async () => {
    const startedAtMs = performance.now();
    const { because, exitCode, output } = await sh("trap '' TERM; echo begun; sleep 60 & wait; wait", {
      timeoutMs: 1_000,
    });
    assert.deepEqual([because, exitCode, output], ["timeout", undefined, "begun\n"]);
    assert.ok(performance.now() - startedAtMs < 1_000 + slowMs);
  }).timeout(1_000 + 2 * slowMs);

  it("ends when its first process does, whatever that has started", async function () {
    if (!abilities.endsTrees) notTried(this, "nothing here ends what a command leaves running");
    const { output, exitCode } = await sh("(sleep 60; echo late) & (setsid sleep 60 &) ; echo now");
    assert.deepEqual([output, exitCode], ["now\n", 0]);
  }).timeout(2 * slowMs);

  it("ends although nobody reads its output", async () => {
    const running = await tested.commands.run(
      order(["yes"], { timeoutMs: 1_000 }),
      new AbortController().signal,
    );
    assert.equal((await running.ended).because, "timeout");
    running.output.destroy();
  }).timeout(2_000 + 2 * slowMs);

  it("ends with its signal, before and while it runs", async () => {
    const reason = new Error("nobody waits any more");
    await assert.rejects(run(["true"], {}, AbortSignal.abort(reason)), reason);
    const controller = new AbortController();
    const running = await tested.commands.run(order(["sh", "-c", "echo x; sleep 60"]), controller.signal);
    for await (const _ of running.output) controller.abort(reason);
    const { because, exitCode } = await running.ended;
    assert.deepEqual([because, exitCode], ["aborted", undefined]);
  }).timeout(3 * slowMs);

  it("says that there is no such program", async () => {
    for (const program of ["no-such-program", "/no/such/program"])
      await assert.rejects(run([program]), codeOf("command_not_found"));
    // The command itself is not at fault for its own 127.
    assert.equal((await sh("exit 127")).exitCode, 127);
  }).timeout(4 * slowMs);

  it("says that there is no such image", async function () {
    if (!abilities.pullsImages) notTried(this, "nothing here has images");
    const image = "localhost/no-such-image:1";
    await assert.rejects(run(["true"], { image }), codeOf("image_unavailable"));
  }).timeout(4 * slowMs);

  it("ends a command that uses more memory than it may, and says so", async function () {
    if (!abilities.limitsMemory) notTried(this, "nothing here tells that memory ran out");
    const script = "awk 'BEGIN { s = \"xxxxxxxxxxxxxxxx\"; while (1) s = s s }'";
    const { because, exitCode } = await sh(`exec ${script}`, { memoryMiB: 32 });
    assert.deepEqual([because, exitCode], ["out_of_memory", undefined]);
  }).timeout(20_000 + 2 * slowMs);

  it("runs several at the same time", async () => {
    const results = await Promise.all([1, 2, 3, 4].map((at) => sh(`sleep 0.3; echo ${at}; exit ${at}`)));
    assert.deepEqual(
      results.map(({ output, exitCode }) => [output, exitCode]),
      [1, 2, 3, 4].map((at) => [`${at}\n`, at]),
    );
  }).timeout(4 * slowMs);

  it("has nothing to sweep while commands run", async () => {
    const controller = new AbortController();
    const running = await tested.commands.run(order(["sh", "-c", "echo x; cat"]), controller.signal);
    assert.equal(await tested.commands.sweep(), 0);
    const { exitCode, because } = await running.ended;
    assert.deepEqual([exitCode, because], [0, undefined]);
    assert.equal(await text(running.output), "x\n");
  }).timeout(2 * slowMs);
}

function hash(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
