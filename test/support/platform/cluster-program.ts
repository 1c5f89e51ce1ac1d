import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FakeApiServer } from "./fake-api-server.ts";

const ROOT = new URL("../../../", import.meta.url);

/** A program of the installation on Kubernetes as a process, connected to a fake API server. */
export class ClusterProgram {
  /** For what the program keeps on its disk; removed by `close`. */
  readonly folder: string;
  /** Both streams, as they came. */
  output = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | string>;

  /** @param path from the root of the repository */
  constructor(path: string, api: FakeApiServer, env: (folder: string) => Record<string, string>) {
    this.folder = mkdtempSync(join(tmpdir(), "skiff-test-cluster-program-"));
    const kubeconfig = join(this.folder, "kubeconfig");
    const insecure = { "insecure-skip-tls-verify": true };
    const cluster = { name: "fake", cluster: { server: api.connection().server, ...insecure } };
    const context = { name: "fake", context: { cluster: "fake", user: "fake" } };
    const user = { name: "fake", user: {} };
    const config = { clusters: [cluster], contexts: [context], users: [user], "current-context": "fake" };
    writeFileSync(kubeconfig, JSON.stringify({ apiVersion: "v1", kind: "Config", ...config }));
    this.#child = spawn(process.execPath, [fileURLToPath(new URL(path, ROOT))], {
      env: { KUBECONFIG: kubeconfig, ...env(this.folder) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on("data", (chunk: Buffer) => {
        this.output += chunk;
      });
    }
    this.#ended = once(this.#child, "close").then(([code, signal]) => code ?? signal);
  }

  /** The port in the line that matches, once it was printed. */
  port(line: RegExp): string | undefined {
    return line.exec(this.output)?.[1];
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves with the exit code, or the signal that ended it. */
  ended(): Promise<number | string> {
    return this.#ended;
  }

  async close(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
