/**
 * Keep-alive GETs over raw sockets, in a process of its own: `load-generator.ts PORT PATH CONNECTIONS MS`.
 * Prints `{calls, medianMs, p99Ms}`. Fails on any answer but 200 with the expected body.
 */
import net from "node:net";
import { fileURLToPath } from "node:url";
import { median } from "./report.ts";

export interface LoadOptions {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  readonly timeMs: number;
}

export interface LoadResult {
  readonly calls: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** Greatest number of stored latencies. */
const SAMPLES = 20_000;

async function client({ port, path, timeMs }: LoadOptions, latenciesMs: number[]): Promise<number> {
  const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
  const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const endMs = performance.now() + timeMs;
  return new Promise((resolve, reject) => {
    let calls = 0;
    let sentMs = performance.now();
    let text = "";
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      const head = text.indexOf("\r\n\r\n");
      if (head < 0) return;
      const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
      if (text.length < head + 4 + Number(length)) return;
      if (!text.startsWith("HTTP/1.1 200 ") || !text.endsWith("\r\n\r\nhi")) {
        reject(new Error(`wrong answer: ${text}`));
        return;
      }
      calls++;
      const nowMs = performance.now();
      if (latenciesMs.length < SAMPLES) latenciesMs.push(nowMs - sentMs);
      text = "";
      sentMs = nowMs;
      if (nowMs < endMs) socket.write(request);
      else resolve(calls);
    });
    socket.write(request);
  }).finally(() => socket.destroy()) as Promise<number>;
}

export async function load(options: LoadOptions): Promise<LoadResult> {
  const latenciesMs: number[] = [];
  const clients = Array.from({ length: options.connections }, () => client(options, latenciesMs));
  const calls = (await Promise.all(clients)).reduce((sum, each) => sum + each, 0);
  const p99Ms = latenciesMs.sort((a, b) => a - b)[Math.floor(latenciesMs.length * 0.99)]!;
  return { calls, medianMs: median(latenciesMs), p99Ms };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port, path, connections, timeMs] = process.argv.slice(2);
  const options = {
    port: Number(port),
    path: path!,
    connections: Number(connections),
    timeMs: Number(timeMs),
  };
  console.log(JSON.stringify(await load(options)));
}
