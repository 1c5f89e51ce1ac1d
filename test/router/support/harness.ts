import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseTrustedProxies } from "../../../http/trusted-proxies.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { type Limits, limitsFromEnv } from "../../../platform/limits.ts";
import type { Address } from "../../../platform/platform.ts";
import { applySettings, defaultSettings } from "../../../platform/settings/settings.ts";
import type { FunctionStats } from "../../../router/metrics/stats.ts";
import { Router } from "../../../router/router.ts";
import { CallServer } from "../../../router/server/call-server.ts";
import { openTelemetry, type Telemetry } from "../../../router/telemetry/telemetry.ts";
import { publish } from "../../support/platform/deploying.ts";
import { draftOf } from "../../support/platform/draft.ts";
import { type FakeOptions, FakePlatform } from "../../support/platform/fake-platform.ts";

export interface HarnessOptions extends FakeOptions {
  /** The platform of another router, for two routers with the same functions. */
  readonly platform?: FakePlatform;
  readonly limits?: Partial<Limits>;
  readonly headersMs?: number;
  /** Variables of access log, spans and trusted proxies. */
  readonly env?: Readonly<Record<string, string>>;
}

interface Seen {
  readonly telemetry: Telemetry;
  readonly lines: string[];
}

/** A router on a free port with a platform in memory, and instances that are real servers on Unix sockets. */
export class Harness {
  readonly platform: FakePlatform;
  readonly limits: Limits;
  readonly keys = new KeyTable();
  readonly router: Router;
  readonly #telemetry: Telemetry;
  /** What was printed for people. */
  readonly lines: string[];
  readonly #server: http.Server;
  readonly #instances: net.Server[] = [];
  #published = 0;
  readonly #sockets = new Set<net.Socket>();
  readonly #folder: string;
  readonly #ownsPlatform: boolean;
  #port = 0;

  private constructor(folder: string, seen: Seen, options: HarnessOptions) {
    const { limits, headersMs, platform, env = {}, ...fake } = options;
    const { telemetry, lines } = seen;
    this.lines = lines;
    this.#folder = folder;
    this.#telemetry = telemetry;
    this.#ownsPlatform = platform === undefined;
    this.platform = platform ?? new FakePlatform(fake);
    this.limits = { ...limitsFromEnv({}), ...limits };
    const print = (line: string) => lines.push(line);
    const proxies = parseTrustedProxies(env.SKIFF_TRUST_PROXY);
    const { keys } = this;
    const router = new Router({
      ...{ platform: this.platform, limits: this.limits, print, telemetry, proxies, keys },
    });
    this.router = router;
    this.#server = new CallServer({ router, limits: this.limits, headersMs });
  }

  static async start(options: HarnessOptions = {}): Promise<Harness> {
    const lines: string[] = [];
    const telemetry = await openTelemetry(options.env ?? {}, (line) => lines.push(line));
    const harness = new Harness(
      await mkdtemp(join(tmpdir(), "skiff-router-")),
      { telemetry, lines },
      options,
    );
    harness.#server.listen(0, "127.0.0.1");
    await once(harness.#server, "listening");
    harness.#port = (harness.#server.address() as net.AddressInfo).port;
    return harness;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The address of a new HTTP server. */
  async instance(listener: http.RequestListener): Promise<Address & { unix: string }> {
    return this.listen(http.createServer(listener));
  }

  /** @param answersProbes false where the server answers probes and reservations itself */
  async listen(server: net.Server, { answersProbes = true } = {}): Promise<Address & { unix: string }> {
    const unix = join(this.#folder, `${this.#instances.length}.sock`);
    this.#instances.push(server);
    if (answersProbes && server instanceof http.Server) answerProbes(server);
    // Upgraded connections are no longer the HTTP server's to close.
    server.on("connection", (socket: net.Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    server.listen(unix);
    await once(server, "listening");
    return { unix };
  }

  /** A function with these ready instances (`[]`: none). */
  async publish(name: string, addresses: readonly Address[], settings: Record<string, unknown> = {}) {
    const code = `// ${name} ${++this.#published}`;
    await publish(
      this.platform,
      draftOf(name, code, applySettings(defaultSettings(this.limits), settings, this.limits)),
    );
    this.platform.setInstances(name, addresses);
  }

  /** Most tests need one function: `echo` with one instance. */
  async serve(listener: http.RequestListener, settings: Record<string, unknown> = {}): Promise<void> {
    await this.publish("echo", [await this.instance(listener)], settings);
  }

  stats(name = "echo"): FunctionStats {
    for (const stats of this.router.stats()) if (stats.name === name) return stats;
    throw new Error(`no call was routed to ${name}`);
  }

  /** Answered calls of all versions with series, by status class. */
  answered(name = "echo"): number[] {
    const parts = Object.values(this.stats(name).versions);
    return parts.reduce<number[]>((sums, part) => sums.map((sum, i) => sum + part[i]!), [0, 0, 0, 0, 0, 0]);
  }

  async waiting(count: number): Promise<void> {
    const now = () => [...this.router.stats()].reduce((sum, { waiting }) => sum + waiting, 0);
    await until(() => now() === count, `${count} calls waiting`);
  }

  async idle(name = "echo"): Promise<void> {
    await until(
      () => this.stats(name).inFlight === 0 && this.stats(name).waiting === 0,
      "counters back to zero",
    );
  }

  /** Connections of clients that the server holds. */
  async connections(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
  }

  async close(): Promise<void> {
    await this.router.close({ drainMs: 1 });
    this.#server.closeAllConnections();
    this.#server.close();
    for (const instance of this.#instances) instance.close();
    for (const socket of this.#sockets) socket.destroy();
    await this.#telemetry.close({ withinMs: 1_000 });
    if (this.#ownsPlatform) await this.platform.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Answers probes and reservations as the runtime does, so that the test's listener gets calls alone. */
export function answerProbes(server: http.Server): void {
  const listeners = server.listeners("request") as http.RequestListener[];
  server.removeAllListeners("request");
  server.on("request", (request, response) => {
    const { "x-skiff-probe": probe, "x-skiff-place": place, "x-skiff-gone": gone } = request.headers;
    if (probe !== undefined && (place !== undefined || gone !== undefined)) response.writeHead(204).end();
    else for (const listener of listeners) listener.call(server, request, response);
  });
}

/** Waits for a condition; fails after half a minute, naming it. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited 30 s in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Sends bytes and returns everything that comes back until the server ends or `enough` says so. */
export async function raw(port: number, text: string, enough?: (answer: string) => boolean): Promise<string> {
  const socket = net.connect(port, "127.0.0.1");
  let answer = "";
  socket.setEncoding("latin1");
  socket.on("error", (error: NodeJS.ErrnoException) => {
    answer += `[${error.code}]`;
  });
  socket.write(text, "latin1");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.setTimeout(30_000, () =>
        reject(new Error(`no end within 30 s, after ${JSON.stringify(answer)}`)),
      );
      socket.on("data", (chunk) => {
        answer += chunk;
        if (enough?.(answer)) resolve();
      });
      socket.once("close", () => resolve());
      socket.once("end", () => socket.end());
    });
  } finally {
    socket.destroy();
  }
  return answer;
}

/** The whole body of a request or response as text. */
export async function textOf(stream: AsyncIterable<Buffer | string>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk;
  return text;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export interface SendOptions extends http.RequestOptions {
  readonly body?: string;
}

/** One request on a connection of its own, with node's client (fetch hides too much). */
export async function send(url: string, { body, ...options }: SendOptions = {}): Promise<Answer> {
  const request = http.request(url, { agent: false, ...options });
  request.end(body);
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  const { statusCode: status = 0, headers, rawHeaders } = response;
  return { status, headers, rawHeaders, body: await textOf(response) };
}

/** A client's request whose head is sent and whose body the test writes. */
export function openUpload(url: string, headers: http.OutgoingHttpHeaders = {}): http.ClientRequest {
  const request = http.request(url, { method: "POST", agent: false, headers });
  request.on("error", () => {});
  request.flushHeaders();
  return request;
}

/** The response to a request, as soon as its head is there. */
export async function responseTo(request: http.ClientRequest): Promise<http.IncomingMessage> {
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  return response;
}
