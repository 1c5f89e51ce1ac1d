import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import type { CommandEnd, CommandOrder } from "../../../platform/images/commands.ts";
import { KINDS, type Pod, type Resource } from "../../../platform/kubernetes/cluster/resources.ts";
import { runsCommands } from "../../platform/commands/conformance.ts";
import { eventually } from "../../support/eventually.ts";
import { ClusterPlatform } from "../cluster-platform.ts";
import { kubectl } from "../kubectl.ts";

const IMAGE = process.env.SKIFF_CLIENT_IMAGE ?? "skiff-client:0.1.0";
/** Commands of the test of many; SKIFF_TEST_COMMANDS=1000 takes some minutes. */
const MANY = Number(process.env.SKIFF_TEST_COMMANDS ?? 50);
const AT_ONCE = 10;
const MIB = 1024 ** 2;

describe("the commands of a cluster", () => {
  runsCommands(
    async () => {
      const cluster = await ClusterPlatform.open({ poolSize: 0 });
      const { api, namespace } = cluster;
      const left = async () => {
        const kinds = [KINDS.jobs, KINDS.pods, KINDS.secrets];
        const listed = kinds.map((kind) => api.list<Resource>({ kind, namespace }, "skiff.dev/command"));
        return (await Promise.all(listed)).flatMap(({ items }) => items.map(({ metadata }) => metadata.name));
      };
      return { commands: cluster.platform.commands, image: IMAGE, left, close: () => cluster.close() };
    },
    {
      separatesErrors: false,
      limitsMemory: true,
      pullsImages: true,
      endsTrees: true,
      many: 10,
      slowMs: 60_000,
    },
  );
});

describe("commands on the cluster", () => {
  let cluster: ClusterPlatform;
  let orders = 0;

  before(async () => {
    cluster = await ClusterPlatform.open({ poolSize: 0 });
  });

  after(() => cluster.close());

  const order = (script: string, more: Partial<CommandOrder> = {}): CommandOrder => ({
    id: `c${++orders}`,
    image: IMAGE,
    command: ["sh", "-c", script],
    env: {},
    memoryMiB: 64,
    timeoutMs: 60_000,
    ...more,
  });

  async function run(
    script: string,
    more: Partial<CommandOrder> = {},
  ): Promise<{ output: string; end: CommandEnd }> {
    const running = await cluster.platform.commands.run(order(script, more), new AbortController().signal);
    const output = await text(running.output);
    return { output, end: await running.ended };
  }

  async function left(): Promise<string[]> {
    const selector = "skiff.dev/command";
    const kinds = [KINDS.jobs, KINDS.pods, KINDS.secrets];
    const found = kinds.map((kind) =>
      cluster.api.list<Resource>({ kind, namespace: cluster.namespace }, selector),
    );
    return (await Promise.all(found)).flatMap(({ items }) => items.map(({ metadata }) => metadata.name));
  }

  const nothingIsLeft = () =>
    eventually("no Job and no pod is left", async () => (await left()).length === 0, 30_000);

  it("have their output and exit code, 137 included", async () => {
    const { output, end } = await run("echo out; echo err >&2; printf end; exit 137");
    assert.deepEqual(
      [output.split("\n").sort(), end.exitCode, end.because],
      [["end", "err", "out"], 137, undefined],
    );
    await nothingIsLeft();
  });

  it("send their output while they run", async () => {
    const running = await cluster.platform.commands.run(
      order("echo first; sleep 4; echo second"),
      new AbortController().signal,
    );
    let firstAt = 0;
    let all = "";
    for await (const chunk of running.output) {
      firstAt ||= performance.now();
      all += chunk;
    }
    assert.equal(all, "first\nsecond\n");
    assert.ok(performance.now() - firstAt > 2_000);
    const { exitCode, durationMs } = await running.ended;
    assert.equal(exitCode, 0);
    assert.ok(durationMs >= 3_000 && durationMs < 8_000, String(durationMs));
  });

  it("have their standard input, and see its end", async () => {
    const bytes = Buffer.alloc(5 * MIB, "0123456789\n");
    const input = Readable.from([bytes.subarray(0, MIB), bytes.subarray(MIB)], { objectMode: false });
    const { output, end } = await run("sha256sum; wc -c < /dev/null", { input });
    assert.match(output, new RegExp(`^${createHash("sha256").update(bytes).digest("hex")} `));
    assert.equal(end.exitCode, 0);
    const unread = Readable.from(Array(64).fill(Buffer.alloc(MIB)), { objectMode: false });
    assert.equal((await run("echo hi", { input: unread })).output, "hi\n");
  });

  it("have variables with any value, and those of the image", async () => {
    const odd = "$(A) $$ `x` \"'\\ é\nend";
    const { output } = await run(`printf '%s' "$ODD"; printf '|%s|%s' "$EMPTY" "$HOME"`, {
      env: { ODD: odd, EMPTY: "" },
    });
    assert.equal(output, `${odd}||/tmp`);
  });

  it("have 10 MiB of output whole, in one line and in many", async () => {
    for (const script of [
      "head -c 10485760 /dev/zero | tr '\\0' a",
      "yes 0123456789012345678901234567890123456789012345678901234567890123456789012345678 | head -c 10485760",
    ]) {
      const running = await cluster.platform.commands.run(order(script), new AbortController().signal);
      const output = await buffer(running.output);
      assert.equal(output.length, 10 * MIB);
      assert.equal((await running.ended).exitCode, 0);
    }
  });

  it("end at their time limit with all of their processes, whatever they trap", async () => {
    const script = "trap '' TERM; setsid sleep 301 & (setsid sleep 302 &); echo on; sleep 303 & wait; wait";
    const { output, end } = await run(script, { timeoutMs: 2_000 });
    assert.deepEqual([output, end.because, end.exitCode], ["on\n", "timeout", undefined]);
    await nothingIsLeft();
  });

  it("end with whoever asked", async () => {
    const gone = new AbortController();
    const running = await cluster.platform.commands.run(order("echo on; sleep 300"), gone.signal);
    const [chunk] = (await running.output.take(1).toArray()) as [Buffer];
    assert.equal(String(chunk), "on\n");
    gone.abort(new Error("gone"));
    assert.equal((await running.ended).because, "aborted");
    await nothingIsLeft();
  });

  it("tell missing commands, missing images and a lack of memory apart", async () => {
    const command = run("", { command: ["nope"] });
    await assert.rejects(command, { code: "command_not_found", detail: /"nope"/ });
    const image = run("", { image: "nowhere.invalid/nope:1" });
    await assert.rejects(image, { code: "image_unavailable", extensions: { reason: "unreachable" } });
    const { end } = await run("tail /dev/zero");
    assert.deepEqual([end.because, end.exitCode], ["out_of_memory", undefined]);
    await nothingIsLeft();
  });

  it("have a pull secret as long as they run", async () => {
    await cluster.platform.secrets.put("registry", { value: "me:pass:word" });
    const running = await cluster.platform.commands.run(
      order("sleep 2", { id: "pulls", pullSecret: "registry" }),
      new AbortController().signal,
    );
    const place = ["-n", cluster.namespace, "-o"];
    const config = await kubectl("get", "secret", "skiff-exec-pulls-pull", ...place, "jsonpath={.data.*}");
    const { auths } = JSON.parse(Buffer.from(config, "base64").toString());
    assert.deepEqual(auths, {
      "https://index.docker.io/v1/": { auth: Buffer.from("me:pass:word").toString("base64") },
    });
    running.output.resume();
    await running.ended;
    await nothingIsLeft();
  });

  it("write nothing but to their scratch folder, as a user without rights", async () => {
    const { output } = await run(
      "touch /x 2>&1; touch /tmp/y && echo ok; id -u; ls /var/run/secrets 2>&1; grep CapEff /proc/self/status",
    );
    assert.match(output, /Read-only file system\nok\n1993\nls: .*No such file.*\nCapEff:\s0+\n/s);
  });

  it("end although their pod is deleted", async () => {
    const running = await cluster.platform.commands.run(
      order("echo on; sleep 300", { id: "robbed" }),
      new AbortController().signal,
    );
    let output = "";
    running.output.on("data", (chunk) => (output += chunk));
    await eventually("it runs", () => output === "on\n");
    await kubectl(
      "delete",
      "pods",
      "-n",
      cluster.namespace,
      "-l",
      "batch.kubernetes.io/job-name=skiff-exec-robbed",
    );
    assert.notEqual((await running.ended).exitCode, 0);
    await nothingIsLeft();
  });

  it("are swept if a killed program left them", async () => {
    const gone = await cluster.another();
    const running = await gone.commands.run(order("sleep 300", { id: "left" }), new AbortController().signal);
    const place = { kind: KINDS.jobs, namespace: cluster.namespace };
    const owner = (await cluster.api.get<Resource>({ ...place, name: "skiff-exec-left" }))!.metadata.labels![
      "skiff.dev/command"
    ]!;
    const same = await cluster.another({ commandOwner: { name: owner, running: async () => [owner] } });
    try {
      assert.equal(await same.commands.sweep(), 1);
      running.output.resume();
      assert.notEqual((await running.ended).exitCode, 0);
      await nothingIsLeft();
    } finally {
      await same.close();
      await gone.close();
    }
  });

  it(`print each line once, over ${MANY} commands`, async function () {
    this.timeout(MANY * 2_000 + 60_000);
    const numbers = Array.from({ length: MANY }, (_, at) => at);
    const outputs = new Map<number, string>();
    const worker = async () => {
      for (let at = numbers.pop(); at !== undefined; at = numbers.pop()) {
        outputs.set(at, (await run(`echo ${at}`)).output);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    assert.equal(outputs.size, MANY);
    for (const [at, output] of outputs) assert.equal(output, `${at}\n`);
    await nothingIsLeft();
    const { items } = await cluster.api.list<Pod>({ kind: KINDS.pods, namespace: cluster.namespace });
    assert.deepEqual(items, []);
  });
});
