/**
 * Compares Skiff with nginx and with a bare proxy of Node's own modules for the requests that people send, in front of
 * the same function: `node bench/requests.ts [ROUNDS] [ROW…]`. Needs wrk and nginx.
 */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNginx } from "./tools/nginx.ts";
import { median, printTable, type Row } from "./tools/report.ts";
import { SkiffProcess } from "./tools/skiff-process.ts";
import { startPeer } from "./tools/start-peer.ts";
import { startUpstream } from "./tools/upstream.ts";
import { wrkScript, wrkWith } from "./tools/wrk.ts";

const CONNECTIONS = 32;
const START_MS = 10_000;
/** Most bytes of the head of an answer and of the framing of its body. */
const FRAMING_BYTES = 1_024;

const JSON_BODY = JSON.stringify({ user: "ada", items: [], note: "x".repeat(982) });
const LONG_BODY = "0123456789".repeat(1_024);
const PAGE = "<p>skiff</p>\n".repeat(1_576);

/** The functions: each is a handler, and refuses a body that is not the one that was sent. */
const HANDLERS: Readonly<Record<string, string>> = {
  hi: `() => new Response("hi")`,
  json: `async (request) => {
    if (request.method === "GET") return new Response("hi");
    const { user, note } = await request.json();
    return user === "ada" && note.length === 982 ? new Response("hi") : new Response("wrong", { status: 400 });
  }`,
  long: `async (request) => {
    const text = await request.text();
    return text.length === ${LONG_BODY.length} ? new Response("hi") : new Response("wrong", { status: 400 });
  }`,
  page: `() => new Response(${JSON.stringify(PAGE)}, { headers: { "content-type": "text/html" } })`,
  stream: `() => {
    let left = 16;
    return new Response(new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(new Uint8Array(64 * 1024).fill(97));
        else controller.close();
      },
    }));
  }`,
};

const BROWSER = [
  "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
  "accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "accept-language: en-GB,en;q=0.9,de;q=0.8",
  "accept-encoding: gzip, deflate, br, zstd",
  "referer: https://app.example.com/orders?page=2",
  "origin: https://app.example.com",
  'sec-ch-ua: "Chromium";v="143", "Not A(Brand";v="24"',
  'sec-ch-ua-platform: "Linux"',
  "sec-fetch-site: same-origin",
  "sec-fetch-mode: cors",
  "sec-fetch-dest: empty",
  "cookie: session=5f2b6c1e9a7d4e38b0c1; theme=dark; _ga=GA1.2.1234567890.1700000000; consent=yes",
];

interface Load {
  readonly what: string;
  readonly handler: string;
  readonly headers?: readonly string[];
  /** Undefined for GETs. */
  readonly body?: string;
  /** Only every n-th request has the body; 1 by default. */
  readonly every?: number;
  /** Size of an answer's body, in bytes. */
  readonly answer?: number;
  /** Least part of nginx's rate. */
  readonly target: number;
}

const asJson = [...BROWSER, "content-type: application/json"];
const LOADS: readonly Load[] = [
  { what: "GET without headers", handler: "hi", target: 0.75 },
  { what: "GET of a browser", handler: "hi", headers: BROWSER, target: 0.75 },
  { what: "POST of 1 KB of JSON", handler: "json", headers: asJson, body: JSON_BODY, target: 0.65 },
  {
    what: "one POST in three",
    handler: "json",
    headers: asJson,
    body: JSON_BODY,
    every: 3,
    target: 0.65,
  },
  { what: "POST of 10 KB", handler: "long", headers: BROWSER, body: LONG_BODY, target: 0.6 },
  { what: "answer of 20 KB", handler: "page", headers: BROWSER, answer: PAGE.length, target: 0.75 },
  { what: "answer of 1 MiB in chunks", handler: "stream", headers: BROWSER, answer: 1024 ** 2, target: 0.9 },
];

/** Returns the requests of a load as a script of wrk. */
function scriptOf({ headers = [], body, every = 1 }: Load): string {
  const fields = headers.map((line) => {
    const at = line.indexOf(": ");
    return `wrk.headers[${JSON.stringify(line.slice(0, at))}] = ${JSON.stringify(line.slice(at + 2))}\n`;
  });
  if (body === undefined) return fields.join("");
  const post = `wrk.method = "POST"\nwrk.body = ${JSON.stringify(body)}\n`;
  if (every === 1) return fields.join("") + post;
  return `${fields.join("")}local get, post, n
init = function() get = wrk.format("GET", nil, nil, "") post = wrk.format("POST", nil, nil, ${JSON.stringify(body)}) n = 0 end
request = function() n = n + 1 if n % ${every} == 0 then return post end return get end
`;
}

interface Peer {
  readonly name: string;
  readonly port: number;
}

/** Waits for the right answer to each kind of request of a load. Returns the mean size of the answers' bodies. */
async function checked({ port, name }: Peer, load: Load): Promise<void> {
  const { handler, headers = [], body, every = 1, answer = 2 } = load;
  const fields = headers.map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]);
  const bodies = every === 1 ? [body] : [undefined, body];
  for (const each of bodies) {
    const deadlineMs = performance.now() + START_MS;
    for (;;) {
      const init = each === undefined ? {} : { method: "POST", body: each };
      const signal = AbortSignal.timeout(START_MS);
      const got = await fetch(`http://127.0.0.1:${port}/fn/${handler}`, {
        ...init,
        headers: fields,
        signal,
      }).then(
        async (response) => ({ status: response.status, length: (await response.arrayBuffer()).byteLength }),
        (error: Error) => ({ status: error.message, length: 0 }),
      );
      if (got.status === 200 && got.length === answer) break;
      if (performance.now() > deadlineMs) {
        throw new Error(`${name}, ${load.what}: ${got.status}, ${got.length} bytes`);
      }
    }
  }
}

/** Runs one load for a second. @throws Error if the answers are not as long as they should be */
function run({ name, port }: Peer, load: Load, script: string): number {
  const { answer = 2, handler } = load;
  const { perSecond, requests, bytes } = wrkWith(
    script,
    `http://127.0.0.1:${port}/fn/${handler}`,
    CONNECTIONS,
  );
  // One answer of each connection is incomplete at the end.
  const most = (requests + CONNECTIONS) * (answer + FRAMING_BYTES);
  if (bytes < requests * answer || bytes > most) {
    throw new Error(`${name}, ${load.what}: ${requests} answers of ${bytes} bytes in all`);
  }
  return perSecond;
}

export async function benchRequests(rounds: number, names: readonly string[] = []): Promise<Row[]> {
  const loads = LOADS.filter(({ what }) => names.length === 0 || names.some((name) => what.includes(name)));
  const skiff = await SkiffProcess.start({}, [], process.env.SKIFF_TREE);
  const folder = mkdtempSync(join(tmpdir(), "skiff-requests-"));
  const children: ChildProcess[] = [];
  try {
    const upstreams: Record<string, string> = {};
    for (const handler of new Set(loads.map((load) => load.handler))) {
      await skiff.deploy(handler, `export default ${HANDLERS[handler]};\n`, "min=1");
      const unix = join(folder, `${handler}.sock`);
      upstreams[handler] = unix;
      const source = `Deno.serve({ onListen() {} }, ${HANDLERS[handler]});\n`;
      startUpstream({ folder, source, name: handler, address: `unix:${unix}`, children });
    }
    const nginx = await startNginx({ folder: join(folder, "nginx"), workers: 1, upstreams, children });
    const peers: Peer[] = [
      { name: "skiff", port: Number(new URL(skiff.url).port) },
      { name: "nginx", port: nginx },
      { name: "node", port: await startPeer("pipe", folder, children) },
    ];
    const rows: Row[] = [];
    for (const load of loads) {
      const script = join(folder, "requests.lua");
      writeFileSync(script, wrkScript(scriptOf(load)));
      for (const peer of peers) await checked(peer, load);
      const rates = peers.map((): number[] => []);
      for (let round = 0; round < rounds; round++) {
        // Each peer is first, in the middle and last in turn.
        for (let i = 0; i < peers.length; i++) {
          const at = (i + round) % peers.length;
          run(peers[at]!, load, script);
          rates[at]!.push(run(peers[at]!, load, script));
        }
      }
      for (const peer of peers) await checked(peer, load);
      rows.push(rowOf(load, rates as [number[], number[], number[]]));
    }
    return rows;
  } finally {
    // SIGKILL would leave nginx's worker running.
    for (const child of children) child.kill("SIGTERM");
    await skiff.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Computes ratios within a round, in which the load of the machine is similar for all peers. */
function rowOf({ what, target }: Load, [skiff, nginx, node]: [number[], number[], number[]]): Row {
  const ratios = (peer: number[]) => skiff.map((rate, round) => rate / peer[round]!);
  const format = (values: number[]) =>
    `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)})`;
  const figure = `${Math.round(median(skiff))}/s, ${format(ratios(node))} × node, ${format(ratios(nginx))} × nginx`;
  return { what, figure, target: `at least ${target}`, met: median(ratios(nginx)) >= target };
}

if (import.meta.main) {
  const [rounds = "5", ...names] = process.argv.slice(2);
  printTable("Requests that people send, at 32 connections", await benchRequests(Number(rounds), names));
}
