import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "../../support/eventually.ts";
import { FakeApiServer } from "../../support/platform/fake-api-server.ts";

const PROGRAM = fileURLToPath(new URL("../../../router/main.ts", import.meta.url));

for (const workers of ["1", "2"]) {
  describe(`the router as a program of its own, with SKIFF_WORKERS=${workers}`, () => {
    let folder: string;
    let api: FakeApiServer;
    let child: ChildProcess;
    let output = "";

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), "skiff-test-router-"));
      api = await FakeApiServer.start();
      const kubeconfig = join(folder, "kubeconfig");
      const insecure = { "insecure-skip-tls-verify": true };
      const cluster = { name: "fake", cluster: { server: api.connection().server, ...insecure } };
      const context = { name: "fake", context: { cluster: "fake", user: "fake" } };
      const user = { name: "fake", user: {} };
      const config = { clusters: [cluster], contexts: [context], users: [user], "current-context": "fake" };
      writeFileSync(kubeconfig, JSON.stringify({ apiVersion: "v1", kind: "Config", ...config }));
      // The cluster is away at first.
      await api.down();
      child = spawn(process.execPath, [PROGRAM], {
        env: {
          KUBECONFIG: kubeconfig,
          SKIFF_INTERNAL_TOKEN: "a-token-of-the-installation",
          SKIFF_INTERNAL_PORT: "0",
          SKIFF_PORT: "0",
          SKIFF_WORKERS: workers,
        },
        stdio: ["ignore", "pipe", "pipe"],
      });
      for (const stream of [child.stdout!, child.stderr!]) {
        stream.on("data", (chunk: Buffer) => {
          output += chunk;
        });
      }
    });
    after(async () => {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      await api.down();
      rmSync(folder, { recursive: true, force: true });
    });

    const port = () => /probes and metrics are on port (\d+)/.exec(output)?.[1];
    const ask = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port()}${path}`);
      return { status: response.status, text: await response.text() };
    };

    it("is live but not ready before it has the snapshot", async () => {
      await eventually("it answers probes", () => port() !== undefined);
      assert.equal((await ask("/healthz")).status, 200);
      assert.deepEqual(await ask("/readyz"), { status: 503, text: "The router is starting.\n" });
      assert.ok(!output.includes("the router listens"));
    });

    it("is ready once it has, and shows its metrics", async () => {
      await api.up();
      await eventually("it is ready", async () => (await ask("/readyz")).status === 200);
      const { text } = await ask("/metrics");
      assert.match(text, /^# TYPE skiff_calls_total counter$/m);
      assert.equal(text.includes('process_open_fds{worker="2"}'), workers === "2");
    });

    it("answers calls, and nothing of the management API", async () => {
      const calls = /the router listens on port (\d+)/.exec(output)![1];
      for (const path of ["/fn/nobody", "/func", "/metrics"]) {
        const response = await fetch(`http://127.0.0.1:${calls}${path}`);
        assert.equal(response.status, 404);
        assert.equal(((await response.json()) as { code: string }).code, "unknown_function");
      }
    });

    it("is not ready any more as soon as it is told to stop, but still there", async () => {
      child.kill("SIGTERM");
      await eventually("it is leaving", async () => (await ask("/readyz")).status === 503);
      assert.equal((await ask("/readyz")).text, "The router is leaving.\n");
      assert.equal((await ask("/healthz")).status, 200);
    });
  });
}
