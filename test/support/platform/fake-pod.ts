import { createServer, type Server, type ServerResponse } from "node:http";
import { createInterface } from "node:readline";
import { Worker } from "node:worker_threads";
import { PROBE_PATH, VERSION_HEADER } from "../../../client-image/start-message.ts";
import { PORT } from "../../../platform/kubernetes/objects/names.ts";

/** Runs the default export of a module for every request that it gets, and hands on what that returns. */
const PROGRAM = `
  const { parentPort, workerData } = require("node:worker_threads");
  import(workerData).then(({ default: handle }) => {
    parentPort.on("message", async ({ id, url }) => {
      parentPort.postMessage({ id, text: String(await handle(new Request(url))) });
    });
    parentPort.postMessage("ready");
  });
`;

export interface PodCode {
  readonly code: Uint8Array;
  readonly version: number;
}

interface Line {
  readonly stamp: string;
  readonly text: string;
}

/** A pod of a fake cluster that runs code: a thread behind a server at an address of its own, as real pods have. */
export class FakePod {
  readonly host: string;
  readonly lines: Line[] = [];
  readonly #server: Server;
  readonly #followers = new Set<ServerResponse>();
  readonly #answers = new Map<number, ServerResponse>();
  #worker: Worker | undefined;
  #version: number | undefined;
  #calls = 0;

  static async start(): Promise<FakePod> {
    for (;;) {
      const [b, c, d] = [1, 2, 3].map(() => 1 + Math.floor(Math.random() * 250));
      const pod = new FakePod(`127.${b}.${c}.${d}`);
      // Another test may have the same address.
      if (await pod.#listen()) return pod;
    }
  }

  private constructor(host: string) {
    this.host = host;
    this.#server = createServer((request, response) => {
      if (request.url === PROBE_PATH) {
        const headers = this.#version === undefined ? {} : { [VERSION_HEADER]: String(this.#version) };
        return response.writeHead(204, headers).end();
      }
      const id = ++this.#calls;
      this.#answers.set(id, response);
      this.#worker?.postMessage({ id, url: `http://${this.host}${request.url}` });
    });
  }

  /** Resolves when the code takes calls; rejects with its last lines when it ends before that. */
  async run({ code, version }: PodCode): Promise<void> {
    const workerData = `data:text/javascript;base64,${Buffer.from(code).toString("base64")}`;
    const worker = new Worker(PROGRAM, { eval: true, workerData, stdout: true, stderr: true });
    this.#worker = worker;
    const read = [worker.stdout, worker.stderr].map((stream) => this.#read(stream));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    worker.on("message", (message: "ready" | { id: number; text: string }) => {
      if (message === "ready") return resolve();
      this.#answers.get(message.id)?.end(message.text);
      this.#answers.delete(message.id);
    });
    // What the code throws is a line of its log, as Deno prints it.
    worker.on("error", (error) => this.#print(`error: ${(error as Error).message}`));
    worker.on("exit", () => {
      Promise.all(read).then(() => reject(new Error(this.lines.map(({ text }) => text).join("\n"))), reject);
    });
    await promise;
    this.#version = version;
  }

  /** As the kubelet answers: lines with their times, from `sinceTime` or the last `tailLines` on. */
  log(query: URLSearchParams, response: ServerResponse): void {
    const since = query.get("sinceTime");
    const tail = query.get("tailLines");
    const lines = this.lines.filter(({ stamp }) => since === null || stamp >= since);
    response.writeHead(200, { "content-type": "text/plain" });
    response.flushHeaders();
    for (const line of tail === null ? lines : lines.slice(Math.max(0, lines.length - Number(tail)))) {
      response.write(`${line.stamp} ${line.text}\n`);
    }
    if (query.get("follow") !== "true") return void response.end();
    this.#followers.add(response);
    response.on("close", () => this.#followers.delete(response));
  }

  async close(): Promise<void> {
    for (const follower of this.#followers) follower.end();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await this.#worker?.terminate();
  }

  async #read(stream: NodeJS.ReadableStream): Promise<void> {
    for await (const text of createInterface({ input: stream })) this.#print(text);
  }

  #print(text: string): void {
    // Two lines of a kubelet never have the same time.
    const fraction = String(this.lines.length % 1_000_000).padStart(6, "0");
    const line = { stamp: new Date().toISOString().replace("Z", `${fraction}Z`), text };
    this.lines.push(line);
    for (const follower of this.#followers) follower.write(`${line.stamp} ${text}\n`);
  }

  #listen(): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "EADDRINUSE") resolve(false);
        else reject(error);
      });
      this.#server.listen(PORT, this.host, () => resolve(true));
    });
  }
}
