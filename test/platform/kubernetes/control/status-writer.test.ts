import assert from "node:assert/strict";
import type { Verdict } from "../../../../platform/events/verdict.ts";
import { KubeApi } from "../../../../platform/kubernetes/cluster/api.ts";
import type { Condition, Resource } from "../../../../platform/kubernetes/cluster/resources.ts";
import { type Judge, StatusWriter } from "../../../../platform/kubernetes/control/status-writer.ts";
import { eventually } from "../../../support/eventually.ts";
import { FakeApiServer } from "../../../support/platform/fake-api-server.ts";
import { QUICK } from "../../../support/platform/fake-cluster.ts";

interface Shown extends Resource {
  readonly status?: {
    readonly lag?: number;
    readonly observedGeneration?: number;
    readonly conditions?: Condition[];
  };
}

describe("the writer of statuses", () => {
  let server: FakeApiServer;
  let api: KubeApi;
  let writer: StatusWriter | undefined;
  const printed: string[] = [];
  let figures: Verdict["figures"] = {};
  let judge: Judge;
  let judged = 0;

  beforeEach(async () => {
    server = await FakeApiServer.start();
    api = new KubeApi(server.connection());
    printed.length = 0;
    figures = { lag: 3 };
    judged = 0;
    judge = async (declarations) => {
      judged++;
      return declarations.map(({ spec }) => {
        const isReady = spec.bad !== true;
        return { isReady, reason: isReady ? "Delivering" : "InvalidSpec", message: "so it is", figures };
      });
    };
  });
  afterEach(async () => {
    await writer?.close();
    await api.close();
    await server.down();
  });

  const start = (everyMs: number) => {
    writer = new StatusWriter({
      api,
      namespace: "skiff-functions",
      kinds: { Subscription: "subscriptions", Schedule: "schedules" },
      judge: (declarations) => judge(declarations),
      print: (line) => printed.push(line),
      times: { ...QUICK, everyMs },
    });
  };
  const put = (name: string, spec: object, plural = "subscriptions") => {
    const status = server.read<Shown>(plural, name)?.status;
    server.put(plural, { metadata: { name }, spec, ...(status ? { status } : {}) });
  };
  const shown = (name: string, plural = "subscriptions") => server.read<Shown>(plural, name)?.status;
  const patches = () => server.requests.filter((request) => request.startsWith("PATCH"));

  it("writes each new object at once, with a condition", async () => {
    put("a", {});
    start(60_000);
    await eventually("it is written", () => shown("a") !== undefined);
    const { lag, observedGeneration, conditions } = shown("a")!;
    assert.deepEqual([lag, observedGeneration], [3, 1]);
    const [{ lastTransitionTime, ...condition }] = conditions as [Condition];
    assert.match(lastTransitionTime!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const said = { type: "Ready", status: "True", reason: "Delivering", message: "so it is" };
    assert.deepEqual(condition, { ...said, observedGeneration: 1 });
    put("b", {}, "schedules");
    await eventually("the later one is written", () => shown("b", "schedules") !== undefined);
    put("a", { bad: true });
    await eventually("the change is written", () => shown("a")?.observedGeneration === 2);
    assert.equal(shown("a")?.conditions?.[0]?.status, "False");
  });

  it("writes new figures when they are due, and nothing that is the same", async () => {
    put("a", {});
    put("b", {}, "schedules");
    start(50);
    await eventually("both are written", () => patches().length >= 2);
    const [since, rounds] = [shown("a")!.conditions![0]!.lastTransitionTime, judged];
    await eventually("it has judged again", () => judged > rounds + 3);
    assert.equal(patches().length, 2);
    figures = { lag: 4 };
    await eventually("the figure is written", () => shown("a")?.lag === 4);
    assert.equal(shown("a")!.conditions![0]!.lastTransitionTime, since);
    figures = { lag: undefined };
    await eventually("the figure is removed", () => !("lag" in shown("a")!));
    await eventually("that of the other one too", () => !("lag" in shown("b", "schedules")!));
    const after = patches().length;
    const later = judged;
    await eventually("it has judged again", () => judged > later + 3);
    assert.equal(patches().length, after, "what is unknown is no change");
  });

  it("waits for its time with new figures", async () => {
    put("a", {});
    start(60_000);
    await eventually("it is written", () => shown("a") !== undefined);
    figures = { lag: 4 };
    put("b", {}, "schedules");
    await eventually("the new one is written", () => shown("b", "schedules") !== undefined);
    assert.equal(shown("a")?.lag, 3);
  });

  it("goes on after a failure, which it prints once", async () => {
    const works = judge;
    judge = async () => {
      judged++;
      throw new Error("the store is away");
    };
    put("a", {});
    start(30);
    await eventually("it tried", () => judged > 3);
    assert.deepEqual(printed, ["statuses are not up to date: the store is away"]);
    judge = works;
    await eventually("it is written", () => shown("a") !== undefined);
  });

  it("skips what was removed meanwhile", async () => {
    const works = judge;
    judge = async (declarations) => {
      server.remove("subscriptions", "a");
      return await works(declarations);
    };
    put("a", {});
    put("b", {});
    start(60_000);
    await eventually("the other one is written", () => shown("b") !== undefined);
    assert.equal(shown("a"), undefined);
  });
});
