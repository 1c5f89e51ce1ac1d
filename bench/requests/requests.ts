/**
 * Compares Skiff with nginx and with a bare proxy of Node's own modules for the requests that people send, in front of
 * the same function: `node bench/requests/requests.ts [ROUNDS] [ROW…]`. Needs wrk and nginx.
 */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNginx } from "../tools/nginx.ts";
import { median, printTable, type Row } from "../tools/report.ts";
import { SkiffProcess } from "../tools/skiff-process.ts";
import { startPeer } from "../tools/start-peer.ts";
import { startUpstream } from "../tools/upstream.ts";
import { wrkScript, wrkWith } from "../tools/wrk.ts";
import { HANDLERS, LOADS, type Load } from "./loads.ts";

const CONNECTIONS = 32;
const START_MS = 10_000;
/** Most bytes of the head of an answer and of the framing of its body. */
const FRAMING_BYTES = 1_024;

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
init = function()
  get = wrk.format("GET", nil, nil, "")
  post = wrk.format("POST", nil, nil, ${JSON.stringify(body)})
  n = 0
end
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
