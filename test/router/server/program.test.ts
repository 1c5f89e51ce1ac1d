import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { ClusterProgram } from "../../support/platform/cluster-program.ts";
import { FakeApiServer } from "../../support/platform/fake-api-server.ts";

for (const workers of ["1", "2"]) {
  describe(`the router as a program of its own, with SKIFF_WORKERS=${workers}`, () => {
    let api: FakeApiServer;
    let program: ClusterProgram;

    before(async () => {
      api = await FakeApiServer.start();
      // The cluster is away at first.
      await api.down();
      program = new ClusterProgram("router/main.ts", api, () => ({
        SKIFF_INTERNAL_TOKEN: "a-token-of-the-installation",
        SKIFF_INTERNAL_PORT: "0",
        SKIFF_PORT: "0",
        SKIFF_WORKERS: workers,
      }));
    });
    after(async () => {
      await program.close();
      await api.down();
    });

    const port = () => program.port(/probes and metrics are on port (\d+)/);
    const ask = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port()}${path}`);
      return { status: response.status, text: await response.text() };
    };

    it("is live but not ready before it has the snapshot", async () => {
      await eventually("it answers probes", () => port() !== undefined);
      assert.equal((await ask("/healthz")).status, 200);
      assert.deepEqual(await ask("/readyz"), { status: 503, text: "The router is starting.\n" });
      assert.ok(!program.output.includes("the router listens"));
    });

    it("is ready once it has, and shows its metrics", async () => {
      await api.up();
      await eventually("it is ready", async () => (await ask("/readyz")).status === 200);
      const { text } = await ask("/metrics");
      assert.match(text, /^# TYPE skiff_calls_total counter$/m);
      assert.equal(text.includes('process_open_fds{worker="2"}'), workers === "2");
    });

    it("answers calls, and nothing of the management API", async () => {
      const calls = program.port(/the router listens on port (\d+)/);
      for (const path of ["/fn/nobody", "/func", "/metrics"]) {
        const response = await fetch(`http://127.0.0.1:${calls}${path}`);
        assert.equal(response.status, 404);
        assert.equal(((await response.json()) as { code: string }).code, "unknown_function");
      }
    });

    it("is not ready any more as soon as it is told to stop, but still there", async () => {
      program.signal("SIGTERM");
      await eventually("it is leaving", async () => (await ask("/readyz")).status === 503);
      assert.equal((await ask("/readyz")).text, "The router is leaving.\n");
      assert.equal((await ask("/healthz")).status, 200);
    });

    it("ends by itself once new connections go elsewhere", async function () {
      this.timeout(60_000);
      assert.equal(await program.ended(), 0, program.output);
    });
  });
}
