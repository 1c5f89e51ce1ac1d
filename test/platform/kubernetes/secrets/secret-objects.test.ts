import assert from "node:assert/strict";
import type { FunctionResource, Pod, Secret } from "../../../../platform/kubernetes/cluster/resources.ts";
import { Reconciler } from "../../../../platform/kubernetes/control/reconciler.ts";
import { SecretSweeper } from "../../../../platform/kubernetes/control/secret-sweeper.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { eventually } from "../../../support/eventually.ts";
import { publish, wake } from "../../../support/platform/deploying.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { FakeCluster, QUICK } from "../../../support/platform/fake-cluster.ts";

const CODE = `export default () => "hello";`;
const asks = (version: number) => ({ secrets: { TOKEN: { secret: "token", version } } });

describe("secrets as objects of a cluster", () => {
  let cluster: FakeCluster;
  beforeEach(async () => {
    cluster = await FakeCluster.start();
  });
  afterEach(() => cluster.close());

  const put = (name: string, value: string) => cluster.platform.secrets.put(name, { value });
  const fn = (name: string) => cluster.server.read<FunctionResource>("functions", name);
  /** Everything on the cluster but Secrets, and everything that was printed. */
  const elsewhere = () => {
    const kinds = [
      "functions",
      "configmaps",
      "deployments",
      "replicasets",
      "pods",
      "services",
      "endpointslices",
    ];
    return JSON.stringify([
      kinds.map((kind) => cluster.server.list(kind)),
      cluster.lines,
      cluster.server.requests,
    ]);
  };

  it("are immutable Secrets, one for each version", async () => {
    await put("token", "one");
    await put("token", "zwei ü");
    const { apiVersion, kind, metadata, ...rest } = cluster.server.read<Secret>(
      "secrets",
      "skiff-secret-token.v2",
    )!;
    assert.deepEqual([apiVersion, kind, metadata.namespace], ["v1", "Secret", "skiff-functions"]);
    assert.deepEqual(metadata.labels, {
      "app.kubernetes.io/managed-by": "skiff",
      "skiff.dev/secret": "token",
      "skiff.dev/secret-version": "2",
    });
    const data = { value: Buffer.from("zwei ü").toString("base64") };
    assert.deepEqual(rest, { type: "Opaque", immutable: true, data });
    assert.ok(cluster.server.read("secrets", "skiff-secret-token.v1"));
  });

  it("leave Secrets of others alone, also those with a label of theirs", async () => {
    cluster.server.put("secrets", { metadata: { name: "foreign" } });
    cluster.server.put("secrets", { metadata: { name: "odd", labels: { "skiff.dev/secret": "token" } } });
    await put("token", "one");
    assert.deepEqual(
      (await cluster.platform.secrets.list({ limit: 9 })).map(({ name }) => name),
      ["token"],
    );
    await cluster.platform.secrets.remove("token");
    assert.deepEqual(
      cluster.server.list("secrets").map(({ metadata }) => metadata.name),
      ["foreign", "odd"],
    );
  });

  it("keep their values to themselves", async () => {
    await put("token", "FIND-ME");
    await publish(cluster.platform, draftOf("hello", CODE, asks(1)));
    await wake(cluster.platform, "hello");
    assert.ok(cluster.server.list<Pod>("pods").length > 0);
    const encoded = Buffer.from("FIND-ME").toString("base64");
    for (const text of ["FIND-ME", encoded]) assert.equal(elsewhere().includes(text), false);
    assert.deepEqual(fn("hello")?.spec.secrets, asks(1).secrets);
    assert.deepEqual(fn("hello")?.status?.versions?.[0]?.secrets, asks(1).secrets);
  });

  it("name no part of a value in the error of a refused Secret", async () => {
    const isPut = (method: string, path: string) => method === "POST" && path.endsWith("/secrets");
    cluster.server.fail({ status: 422, message: "Invalid value: FIND-ME", matches: isPut });
    await assert.rejects(put("token", "FIND-ME"), (error: Error & { code?: string }) => {
      assert.equal(error.code, "platform_unavailable");
      assert.doesNotMatch(`${error.message} ${error.stack}`, /FIND-ME/);
      return true;
    });
  });

  it("keep versions that ask for them out of the pool", async () => {
    await put("token", "one");
    const platform = cluster.open({ poolSecret: "a secret of the installation" });
    await platform.synced;
    await platform.pool!.synced;
    cluster.putPool(1);
    cluster.putFreePod("free");
    await eventually("a pod waits", () => platform.pool!.free === 1);
    await publish(platform, draftOf("hello", CODE, asks(1)));
    assert.equal(platform.pool!.outcomes.claimed, 0);
    assert.ok(platform.pool!.outcomes.settings > 0);
    await platform.close();
  });

  describe("in a Function that is applied", () => {
    let reconciler: Reconciler;
    beforeEach(() => {
      reconciler = new Reconciler({
        api: cluster.api,
        platform: cluster.platform,
        namespace: "skiff-functions",
        limits: limitsFromEnv({ SKIFF_START_TIMEOUT: "2s" }),
        build: async ({ bytes }) => ({ kind: "module", code: bytes }),
        urlOf: (name) => `/fn/${name}`,
        print: (line) => cluster.lines.push(line),
        times: QUICK,
      });
    });
    afterEach(() => reconciler.close());

    const apply = (spec: object) =>
      cluster.server.put("functions", {
        ...fn("hello"),
        metadata: { ...fn("hello")?.metadata, name: "hello" },
        spec: { ...fn("hello")?.spec, ...spec },
      });
    const served = (version: number) =>
      eventually(`version ${version} serves`, () => fn("hello")?.status?.version === version);
    const reason = () => fn("hello")?.status?.conditions?.find(({ type }) => type === "Ready")?.reason;

    it("get the newest version, and keep it when the same is applied again", async () => {
      await put("token", "one");
      apply({ source: CODE, secrets: { TOKEN: { secret: "token" } } });
      await served(1);
      await eventually("the number is filled in", () => fn("hello")?.spec.secrets?.TOKEN?.version === 1);
      await put("token", "two");
      apply({ secrets: { TOKEN: { secret: "token" } }, min: 0 });
      apply({ memoryMiB: 256 });
      await served(2);
      assert.deepEqual((await cluster.platform.find("hello"))?.settings.secrets, asks(1).secrets);
      apply({ secrets: { TOKEN: { secret: "token", version: 2 } } });
      await served(3);
      assert.deepEqual((await cluster.platform.find("hello"))?.settings.secrets, asks(2).secrets);
    });

    it("are described as a fault if they do not exist", async () => {
      apply({ source: CODE, secrets: { TOKEN: { secret: "nope" } } });
      await eventually("it is described", () => reason() === "UnknownSecret");
      await put("token", "one");
      apply({ secrets: { TOKEN: { secret: "token", version: 7 } } });
      const message = () => JSON.stringify(fn("hello")?.status?.conditions);
      await eventually("the version is named", () => message().includes("has no version 7 any more"));
      apply({ secrets: { TOKEN: { secret: "token" } } });
      await served(1);
    });
  });

  it("are swept by the leader, which goes on after a failure", async () => {
    let sweeps = 0;
    const sweep = async () => {
      if (++sweeps === 1) throw new Error("the API server is away");
    };
    const sweeper = new SecretSweeper({
      secrets: { sweep },
      print: (line) => cluster.lines.push(line),
      everyMs: 5,
    });
    await eventually("it has swept again", () => sweeps > 2);
    await sweeper.close();
    assert.deepEqual(
      cluster.lines.filter((line) => /secrets/.test(line)),
      ["old values of secrets are not deleted yet: the API server is away"],
    );
  });
});
