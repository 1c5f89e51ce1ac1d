import assert from "node:assert/strict";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { ClusterProgram } from "../support/platform/cluster-program.ts";
import { FakeApiServer } from "../support/platform/fake-api-server.ts";

const TOKEN = "a-token-of-the-installation";

describe("the manager as a program of its own", () => {
  let api: FakeApiServer;
  let program: ClusterProgram;

  before(async () => {
    api = await FakeApiServer.start();
    // The cluster is away at first.
    await api.down();
    program = new ClusterProgram("manager/main.ts", api, (folder) => ({
      SKIFF_DATA: join(folder, "data"),
      SKIFF_HOST: "127.0.0.1",
      SKIFF_PORT: "0",
      SKIFF_POD: "manager-1",
      SKIFF_TOKEN: TOKEN,
    }));
  });
  after(async () => {
    await program.close();
    await api.down();
  });

  const ask = async (path: string) => {
    const url = `http://127.0.0.1:${program.port(/the manager listens on port (\d+)/)}${path}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
    return { status: response.status, text: await response.text() };
  };

  it("asks again for the secrets of the installation while the cluster is away", async () => {
    await eventually("it says so", () => program.output.includes("the manager cannot start yet"));
    await api.up();
    await eventually("it listens", () => /the manager listens on port \d+/.test(program.output));
  });

  it("is ready once it knows the functions of the cluster, and leads", async () => {
    await eventually("it is ready", async () => (await ask("/readyz")).status === 200);
    assert.equal((await ask("/healthz")).status, 200);
    await eventually("it leads", () => program.output.includes("leading as manager-1"));
  });

  it("shows the metrics of the pool and of its process", async () => {
    const { text } = await ask("/metrics");
    assert.match(text, /^# HELP skiff_pool_total .*\n# TYPE skiff_pool_total counter\n/m);
    assert.match(text, /^skiff_pool_total\{outcome="claimed"\} 0$/m);
    assert.match(text, /^process_resident_memory_bytes \d+$/m);
    assert.match(text, /^nodejs_eventloop_active_seconds_total [\d.]+$/m);
  });

  it("gives the lease back and ends when it is told to", async () => {
    program.signal("SIGTERM");
    assert.equal(await program.ended(), 0, program.output);
    const lease = api.read<{ metadata: { name: string }; spec: { holderIdentity: string } } & object>(
      "leases",
      "skiff-manager",
    );
    assert.equal(lease?.spec.holderIdentity, "");
  });
});
