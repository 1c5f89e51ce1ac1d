import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import type { CommandOrder } from "../../../../platform/images/commands.ts";
import { KubeApi } from "../../../../platform/kubernetes/cluster/api.ts";
import type { Pod } from "../../../../platform/kubernetes/cluster/resources.ts";
import { ClusterCommands } from "../../../../platform/kubernetes/commands/cluster-commands.ts";
import { PullSecrets } from "../../../../platform/kubernetes/images/pull-secrets.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeApiServer } from "../../../support/platform/fake-api-server.ts";
import { MemorySecrets } from "../../../support/platform/memory-secrets.ts";

type State = NonNullable<NonNullable<Pod["status"]>["containerStatuses"]>[number]["state"];
// biome-ignore lint/suspicious/noExplicitAny: a manifest is read by path
type Job = any;

const LINES = ["one", "two", "three"].map((line, at) => `2026-11-29T10:00:0${at}.000000001Z ${line}\n`);
const DONE = { terminated: { exitCode: 3, reason: "Error" } };

describe("commands of a cluster", () => {
  let server: FakeApiServer;
  let api: KubeApi;
  let commands: ClusterCommands;
  let closing: AbortController;
  const printed: string[] = [];
  let orders = 0;

  const order = (more: Partial<CommandOrder> = {}): CommandOrder => ({
    id: `c${++orders}`,
    image: "tool:1",
    command: ["go", "$(HOME)"],
    env: { A: "$B" },
    memoryMiB: 64,
    timeoutMs: 60_000,
    ...more,
  });
  const forever = new AbortController().signal;
  const jobs = () => server.list<Job>("jobs");

  function enter(job: Job, state: State): void {
    const name = `${job.metadata.name}-pod`;
    const labels = {
      ...job.spec.template.metadata.labels,
      "batch.kubernetes.io/job-name": job.metadata.name,
    };
    const conditions = [{ type: "PodScheduled", status: "True" }];
    const status = { phase: "Running", conditions, containerStatuses: [{ name: "command", state }] };
    server.put("pods", { metadata: { name, labels }, spec: job.spec.template.spec, status });
  }

  function commandsOf(name: string, running: string[]): ClusterCommands {
    const shared = { api, namespace: "f" };
    const secrets = new MemorySecrets({ records: () => [], throwIfOver: () => {} });
    return new ClusterCommands({
      ...shared,
      limits: limitsFromEnv({ SKIFF_START_TIMEOUT: "200ms", SKIFF_PULL_TIMEOUT: "200ms" }),
      cpuRequest: "10m",
      pullSecrets: new PullSecrets({ ...shared, secrets }),
      owner: { name, running: async () => running },
      closing: closing.signal,
      print: (line) => printed.push(line),
    });
  }

  beforeEach(async () => {
    server = await FakeApiServer.start();
    api = new KubeApi(server.connection());
    closing = new AbortController();
    commands = commandsOf("manager-1", ["manager-1", "manager-2"]);
  });

  afterEach(async () => {
    closing.abort(new Error("closing"));
    await commands.close();
    await api.close();
    await server.down();
  });

  /** The state of the container of each Job that is made. */
  const everyJob = (state: State) => {
    server.onChange = ({ collection, object, isDeleted }) => {
      if (collection === "jobs" && !isDeleted) enter(object, state);
    };
  };

  it("are restricted Jobs that end by themselves, and leave nothing", async () => {
    everyJob(DONE);
    server.onLog = (_, __, response) => response.end(LINES.join(""));
    const made: Job[] = [];
    const before = server.onChange;
    server.onChange = (change) => {
      if (change.collection === "jobs" && !change.isDeleted) made.push(change.object);
      before(change);
    };
    const run = await commands.run(order({ id: "c" }), forever);
    assert.equal(await text(run.output), "one\ntwo\nthree\n");
    assert.equal((await run.ended).exitCode, 3);
    assert.deepEqual(jobs(), []);
    const [{ spec, metadata }] = made as [Job];
    assert.equal(metadata.name, "skiff-exec-c");
    assert.deepEqual(
      [spec.backoffLimit, spec.activeDeadlineSeconds, spec.ttlSecondsAfterFinished],
      [0, 91, 60],
    );
    const pod = spec.template.spec;
    const [container] = pod.containers;
    assert.deepEqual([pod.restartPolicy, pod.automountServiceAccountToken], ["Never", false]);
    assert.equal(pod.securityContext.runAsNonRoot, true);
    assert.deepEqual(container.command, ["go", "$$(HOME)"]);
    assert.deepEqual(container.env.at(-1), { name: "A", value: "$$B" });
    assert.equal(container.stdin, undefined);
    assert.equal(container.resources.limits.memory, "64Mi");
    assert.equal(container.securityContext.readOnlyRootFilesystem, true);
  });

  it("follow the log across connections that break, each byte once", async () => {
    everyJob({ running: {} });
    const queries: (string | null)[] = [];
    server.onLog = (_, query, response) => {
      queries.push(query.get("sinceTime"));
      if (queries.length === 1)
        response.write(`${LINES[0]}${LINES[1]!.slice(0, -2)}`, () => response.destroy());
      else {
        enter(jobs()[0], DONE);
        response.end(LINES.slice(0, 3).join(""));
      }
    };
    const run = await commands.run(order(), forever);
    assert.equal(await text(run.output), "one\ntwo\nthree\n");
    assert.equal((await run.ended).exitCode, 3);
    assert.equal(queries[0], null);
    assert.ok(queries.length >= 2 && queries[1] !== null);
  });

  it("end at their time limit, and with whoever asked", async () => {
    everyJob({ running: {} });
    server.onLog = (_, __, response) => void response.write(LINES[0]!);
    const late = await commands.run(order({ timeoutMs: 100 }), forever);
    assert.equal(await text(late.output), "one\n");
    const { because, exitCode, durationMs } = await late.ended;
    assert.deepEqual([because, exitCode], ["timeout", undefined]);
    assert.ok(durationMs >= 100);
    assert.deepEqual([jobs(), server.list("pods")], [[], []]);

    const gone = new AbortController();
    const left = await commands.run(order(), gone.signal);
    gone.abort(new Error("gone"));
    assert.equal((await left.ended).because, "aborted");
    assert.deepEqual(jobs(), []);
  });

  it("say what keeps them from starting, and leave nothing", async () => {
    const start = () => commands.run(order(), forever);
    await assert.rejects(start, { code: "no_capacity", detail: /No node took the command within 0.2 s/ });
    everyJob({ waiting: { reason: "ContainerCreating" } });
    await assert.rejects(start, { code: "image_unavailable", detail: /SKIFF_PULL_TIMEOUT/ });
    everyJob({ waiting: { reason: "ErrImagePull", message: "x: not found" } });
    await assert.rejects(start, { code: "image_unavailable", extensions: { reason: "not_found" } });
    everyJob({ terminated: { reason: "StartError", message: 'exec: "go": executable file not found' } });
    await assert.rejects(start, { code: "command_not_found" });
    await assert.rejects(commands.run(order({ image: "host" }), forever), { code: "no_sandbox" });
    await assert.rejects(commands.run(order({ pullSecret: "none" }), forever), { code: "unknown_secret" });
    server.fail({ status: 403, message: "quota", matches: (method) => method === "POST" });
    await assert.rejects(start, { code: "platform_unavailable", detail: /quota/ });
    assert.deepEqual(jobs(), []);
  });

  it("sweep what earlier programs left, and nothing of those that run", async () => {
    everyJob({ running: {} });
    server.onLog = (_, __, response) => void response.write(LINES[0]!);
    const run = await commands.run(order({ id: "mine" }), forever);
    for (const [id, owner] of [
      ["left-by-me", "manager-1"],
      ["of-another", "manager-2"],
      ["of-nobody", "manager-0"],
    ] as const) {
      server.put("jobs", {
        metadata: { name: `skiff-exec-${id}`, labels: { "skiff.dev/command": owner } },
        spec: { template: { metadata: { labels: {} } } },
      });
    }
    assert.equal(await commands.sweep(), 2);
    assert.deepEqual(
      jobs()
        .map(({ metadata }) => metadata.name)
        .sort(),
      ["skiff-exec-mine", "skiff-exec-of-another"],
    );
    closing.abort(new Error("closing"));
    assert.equal((await run.ended).because, "aborted");
    await eventually("its Job is gone", () => jobs().length === 1);
  });
});
