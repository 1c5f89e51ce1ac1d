import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { markEntry } from "../../../../client-image/console/marked-entry.ts";
import { KubeApi } from "../../../../platform/kubernetes/cluster/api.ts";
import { LogCollector } from "../../../../platform/kubernetes/logs/log-collector.ts";
import type { LogSink } from "../../../../platform/kubernetes/logs/pod-collector.ts";
import type { StampedLine } from "../../../../platform/kubernetes/logs/pod-log.ts";
import { readerOf } from "../../../../platform/kubernetes/logs/pod-owner.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeApiServer } from "../../../support/platform/fake-api-server.ts";
import { QUICK } from "../../../support/platform/fake-cluster.ts";

/** A store that has each line of a source once. */
class MemorySink implements LogSink {
  readonly lines: (StampedLine & { readonly name: string })[] = [];
  readonly #stamps = new Map<string, string>();
  isAway = false;

  async lastStamp(source: string): Promise<string | undefined> {
    this.#check();
    return this.#stamps.get(source);
  }

  async appendFrom(source: { name: string; source: string }, lines: readonly StampedLine[]): Promise<void> {
    this.#check();
    for (const line of lines) {
      if (line.stamp <= (this.#stamps.get(source.source) ?? "")) continue;
      this.#stamps.set(source.source, line.stamp);
      this.lines.push({ ...line, name: source.name });
    }
  }

  of(instance: string): string[] {
    return this.lines.filter((line) => line.instance === instance).map(({ text }) => text);
  }

  #check(): void {
    if (this.isAway) throw new Error("the store is away");
  }
}

/** The logs of pods as kubelets have them. */
class Kubelets {
  readonly #lines = new Map<string, string[]>();
  readonly #followers = new Map<string, Set<ServerResponse>>();
  readonly readers = new Map<string, number>();

  print(pod: string, output: string): void {
    const lines = this.#lines.get(pod) ?? [];
    this.#lines.set(pod, lines);
    for (const text of output.split("\n").slice(0, -1)) {
      const nano = String(lines.length).padStart(9, "0");
      const line = `2026-11-29T10:00:00.${nano}Z ${text}\n`;
      lines.push(line);
      for (const follower of this.#followers.get(pod) ?? []) follower.write(line);
    }
  }

  log(pod: string, query: URLSearchParams, response: ServerResponse): void {
    const since = query.get("sinceTime") ?? "";
    response.writeHead(200).flushHeaders();
    for (const line of this.#lines.get(pod) ?? []) if (line.slice(0, 30) >= since) response.write(line);
    const followers = this.#followers.get(pod) ?? new Set();
    this.#followers.set(pod, followers.add(response));
    response.on("close", () => followers.delete(response));
  }

  /** Ends the connections to a pod, as the end of the pod does. */
  end(pod: string): void {
    for (const follower of this.#followers.get(pod) ?? []) follower.end();
  }

  followersOf(pod: string): number {
    return this.#followers.get(pod)?.size ?? 0;
  }
}

const PODS = Array.from({ length: 12 }, (_, index) => `hello-${index}`);

describe("managers that collect the logs of pods", () => {
  let server: FakeApiServer;
  let kubelets: Kubelets;
  let sink: MemorySink;
  let printed: string[];
  let collectors: LogCollector[];
  const removed = new Set<string>();
  let dropped = 0;

  beforeEach(async () => {
    server = await FakeApiServer.start();
    kubelets = new Kubelets();
    server.onLog = (pod, query, response) => kubelets.log(pod, query, response);
    [sink, printed, collectors] = [new MemorySink(), [], []];
    removed.clear();
  });
  afterEach(async () => {
    await Promise.all(collectors.map((collector) => collector.close()));
    await server.down();
  });

  function putPod(name: string): void {
    const labels = { "skiff.dev/function": "hello", "skiff.dev/version": "2" };
    const containerStatuses = [{ name: "function", state: { running: {} } }];
    server.put("pods", { metadata: { name, labels }, status: { containerStatuses } });
  }

  function putManager(name: string): void {
    const conditions = [{ type: "Ready", status: "True" }];
    server.put("pods", { metadata: { name, labels: { app: "skiff-manager" } }, status: { conditions } });
  }

  function collect(identity: string): LogCollector {
    const collector = new LogCollector({
      api: new KubeApi(server.connection()),
      ...{ namespace: "skiff-functions", identity, sink, times: QUICK },
      managers: { namespace: "skiff", labelSelector: "app=skiff-manager" },
      exists: (name) => {
        dropped += Number(removed.has(name));
        return !removed.has(name);
      },
      print: (line) => printed.push(line),
    });
    collectors.push(collector);
    return collector;
  }

  it("keep entries with version, level and call, also of a pod that is deleted", async () => {
    putManager("m-1");
    collect("m-1");
    putPod("hello-0");
    kubelets.print("hello-0", markEntry({ text: "Error: no\n at x", level: "error", callId: "call-1" }));
    await eventually("the line is kept", () => sink.lines.length === 1);
    const { stamp, at, ...line } = sink.lines[0]!;
    assert.deepEqual(line, {
      ...{ name: "hello", instance: "hello-0", version: 2, stream: "stderr" },
      ...{ level: "error", callId: "call-1", text: "Error: no\n at x" },
    });
    kubelets.print("hello-0", "last words\n");
    server.remove("pods", "hello-0");
    kubelets.end("hello-0");
    await eventually("the last line is kept", () => sink.lines.length === 2);
    assert.deepEqual(printed, []);
  });

  it("share the pods, and take over those of a manager that ends, without a line missing or repeated", async () => {
    for (const name of ["m-1", "m-2", "m-3"]) putManager(name);
    for (const name of PODS) putPod(name);
    const [first] = ["m-1", "m-2", "m-3"].map(collect);
    let count = 0;
    const printAll = () => {
      for (const pod of PODS) kubelets.print(pod, `line ${count}\n`);
      count++;
    };
    printAll();
    const areRead = () => PODS.every((pod) => kubelets.followersOf(pod) === 1);
    await eventually("each pod has one reader", areRead);
    await eventually("the first lines are kept", () => PODS.every((pod) => sink.of(pod).length === count));
    for (let round = 0; round < 20; round++) printAll();
    server.remove("pods", "m-1");
    for (let round = 0; round < 20; round++) printAll();
    await first!.close();
    await eventually("each pod has one reader again", areRead);
    for (let round = 0; round < 20; round++) printAll();
    await eventually("all lines are kept", () => PODS.every((pod) => sink.of(pod).length >= count));
    const expected = Array.from({ length: count }, (_, index) => `line ${index}`);
    for (const pod of PODS) assert.deepEqual(sink.of(pod), expected);
  });

  it("lose nothing while the store is away, and say so once", async () => {
    putManager("m-1");
    collect("m-1");
    putPod("hello-0");
    kubelets.print("hello-0", "before\n");
    await eventually("the line is kept", () => sink.lines.length === 1);
    sink.isAway = true;
    // More than waits in the manager.
    for (let n = 0; n < 5_000; n++) kubelets.print("hello-0", `line ${n}\n`);
    await eventually("it was said", () => printed.length > 0);
    sink.isAway = false;
    await eventually("all lines are kept", () => sink.of("hello-0").length === 5_001);
    assert.deepEqual(
      sink.of("hello-0").slice(1),
      Array.from({ length: 5_000 }, (_, n) => `line ${n}`),
    );
    assert.deepEqual(printed, [
      "log lines wait in their pods, because the store does not take them: the store is away",
    ]);
  });

  it("report a pod whose log cannot be read, once until it can be read again", async () => {
    let asked = 0;
    server.onLog = (pod, query, response) => {
      if (++asked > 2) kubelets.log(pod, query, response);
      else response.writeHead(500).end("the kubelet is away");
    };
    putManager("m-1");
    collect("m-1");
    putPod("hello-0");
    kubelets.print("hello-0", "line\n");
    await eventually("the line is kept", () => sink.lines.length === 1);
    assert.equal(printed.length, 1);
    assert.match(printed[0]!, /^pod hello-0: its log cannot be read: .*the kubelet is away/);
  });

  it("end with a pod that was deleted while nobody could read it", async () => {
    let asked = 0;
    server.onLog = (pod, _, response) => {
      asked++;
      server.remove("pods", pod);
      response.writeHead(404).end(`pods ${pod} not found`);
    };
    putManager("m-1");
    collect("m-1");
    putPod("hello-0");
    await eventually("it was asked for", () => asked > 0);
    putPod("hello-1");
    await eventually("the next one was asked for", () => asked > 1);
    assert.deepEqual(printed, []);
  });

  it("drop lines of a function that was removed", async () => {
    putManager("m-1");
    collect("m-1");
    putPod("hello-0");
    kubelets.print("hello-0", "before\n");
    await eventually("the line is kept", () => sink.lines.length === 1);
    removed.add("hello");
    kubelets.print("hello-0", "after\n");
    await eventually("a line was dropped", () => dropped > 0);
    removed.clear();
    putPod("hello-1");
    kubelets.print("hello-1", "again\n");
    await eventually("a later line is kept", () => sink.of("hello-1").length === 1);
    assert.ok(!sink.of("hello-0").includes("after"));
  });
});

describe("the manager that reads a pod", () => {
  const managers = ["m-1", "m-2", "m-3"];
  const pods = Array.from({ length: 3_000 }, (_, index) => `pod-${index}`);

  it("has about the same number of pods as others", () => {
    for (const manager of managers) {
      const count = pods.filter((pod) => readerOf(pod, managers) === manager).length;
      assert.ok(Math.abs(count - 1_000) < 150, `${manager} has ${count}`);
    }
  });

  it("changes only for the pods of a manager that ends", () => {
    for (const pod of pods) {
      const before = readerOf(pod, managers);
      if (before !== "m-3") assert.equal(readerOf(pod, ["m-2", "m-1"]), before);
    }
  });
});
