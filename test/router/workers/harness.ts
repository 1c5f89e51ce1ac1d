import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import type net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Metrics } from "../../../metrics/metrics.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { type Limits, limitsFromEnv } from "../../../platform/limits.ts";
import type { Address } from "../../../platform/platform.ts";
import { applySettings, defaultSettings } from "../../../platform/settings/settings.ts";
import type { FrontOptions } from "../../../router/front.ts";
import { addRouterMetrics } from "../../../router/metrics/metrics.ts";
import { Workers } from "../../../router/workers/workers.ts";
import { processesWith } from "../../support/instances/processes.ts";
import { publish } from "../../support/platform/deploying.ts";
import { draftOf } from "../../support/platform/draft.ts";
import { type FakeOptions, FakePlatform } from "../../support/platform/fake-platform.ts";

export interface WorkersHarnessOptions
  extends FakeOptions,
    Partial<Pick<FrontOptions, "headersMs" | "other" | "env">> {
  readonly limits?: Partial<Limits>;
  readonly workers?: number;
  readonly port?: number;
}

/** Begins the names of their folders, which are in the command lines of workers: those of other runs are not ours. */
export const FOLDER = `skiff-workers-${process.pid}-`;

/** Workers that are real processes, on a free port, with a platform in memory and instances on Unix sockets. */
export class WorkersHarness {
  readonly platform: FakePlatform;
  readonly limits: Limits;
  readonly keys = new KeyTable();
  readonly front: Workers;
  readonly lines: string[] = [];
  readonly #folder: string;
  readonly #instances: net.Server[] = [];
  readonly #sockets = new Set<net.Socket>();
  #published = 0;
  port = 0;

  private constructor(
    folder: string,
    { limits, workers = 2, headersMs, other, env = {}, ...fake }: WorkersHarnessOptions,
  ) {
    this.#folder = folder;
    this.platform = new FakePlatform(fake);
    this.limits = { ...limitsFromEnv({}), ...limits };
    this.front = new Workers({
      platform: this.platform,
      limits: this.limits,
      keys: this.keys,
      print: (line) => this.lines.push(line),
      workers,
      env,
      folder: join(folder, "run"),
      headersMs,
      other,
    });
  }

  static async start(options: WorkersHarnessOptions = {}): Promise<WorkersHarness> {
    const harness = new WorkersHarness(await mkdtemp(join(tmpdir(), FOLDER)), options);
    try {
      harness.port = await harness.front.listen({ port: options.port ?? 0, host: "127.0.0.1" });
    } catch (error) {
      await harness.close();
      throw error;
    }
    return harness;
  }

  /** Process ids of the workers that run, the oldest first unless the system has begun again with small ones. */
  get pids(): number[] {
    return processesWith(this.#folder);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async instance(listener: http.RequestListener): Promise<Address> {
    return this.listen(http.createServer(listener));
  }

  async listen(server: net.Server): Promise<Address> {
    const unix = join(this.#folder, `${this.#instances.length}.sock`);
    this.#instances.push(server);
    server.on("connection", (socket: net.Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    server.listen(unix);
    await once(server, "listening");
    return { unix };
  }

  async publish(name: string, addresses: readonly Address[], settings: Record<string, unknown> = {}) {
    const code = `// ${name} ${++this.#published}`;
    const applied = applySettings(defaultSettings(this.limits), settings, this.limits);
    await publish(this.platform, draftOf(name, code, applied));
    this.platform.setInstances(name, addresses);
    await this.front.caughtUp();
  }

  async serve(listener: http.RequestListener, settings: Record<string, unknown> = {}): Promise<void> {
    await this.publish("echo", [await this.instance(listener)], settings);
  }

  metrics(): Promise<string> {
    const metrics = new Metrics();
    addRouterMetrics(metrics, this.front.counted);
    return metrics.text();
  }

  /** Calls of `echo` that were answered with 2xx, over all of its versions. */
  async answered(): Promise<number> {
    const lines = (await this.metrics()).split("\n");
    const counted = lines.filter((line) => /^skiff_calls_total{function="echo",.*status="2xx"}/.test(line));
    return counted.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
  }

  async close(): Promise<void> {
    await this.front.drain({ drainMs: 1 });
    await this.front.close({ withinMs: 0 });
    for (const instance of this.#instances) instance.close();
    for (const socket of this.#sockets) socket.destroy();
    await this.platform.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A client with one connection that it keeps. */
export class Client {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Status and body of the answer, or how the connection broke. */
  get(path: string, options: http.RequestOptions = {}): Promise<string> {
    return new Promise((resolve) => {
      const request = http.get(`${this.#url}${path}`, { agent: this.#agent, ...options }, (response) => {
        let text = `${response.statusCode} `;
        response.setEncoding("utf8");
        response.on("data", (chunk) => (text += chunk));
        response.on("end", () => resolve(text));
        response.on("error", (error) => resolve(`broken off: ${error.message}`));
      });
      request.on("error", (error) => resolve(`broken off: ${error.message}`));
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
