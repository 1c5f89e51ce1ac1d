/**
 * What keys, quotas and logs cost the plain GET: `node bench/quotas.ts [ROUNDS] [BEFORE]`. BEFORE is a checkout of a
 * version without them. Unused they may cost 5 % of the throughput together, used 15 %. All peers run at the same time
 * and are measured in alternation. Needs wrk.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median, printTable, type Row } from "./tools/report.ts";
import { SkiffProcess } from "./tools/skiff-process.ts";
import { wrkScript, wrkWith } from "./tools/wrk.ts";

const CONNECTIONS = 32;
const PLAIN = `export default () => new Response("hi");`;
/** One print for each call, so that the log has its lines. */
const PRINTING = `export default () => { console.log("a call"); return new Response("hi"); };`;
/** More than any machine can use. */
const QUOTA = "rate=1000000&inflight=1000000&monthly=1000000000";

interface Peer {
  readonly what: string;
  readonly url: string;
  readonly script: string;
  readonly rates: number[];
}

interface Compared {
  readonly peer: Peer;
  readonly base: Peer;
  readonly least: number;
}

const [rounds = "7", before] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "skiff-quotas-"));
const running: SkiffProcess[] = [];

function peerOf(what: string, url: string, key?: string): Peer {
  const script = join(folder, `${what.replaceAll(/\W+/g, "-")}.lua`);
  const field = key === undefined ? "" : `wrk.headers["authorization"] = "Bearer ${key}"\n`;
  writeFileSync(script, wrkScript(field));
  return { what, url, script, rates: [] };
}

async function issueKey(url: string, quota?: object): Promise<string> {
  const body = JSON.stringify({ name: "bench", scopes: ["call"], ...(quota ? { quota } : {}) });
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${url}/key`, { method: "POST", headers, body });
  const { key } = (await response.json()) as { key?: string };
  if (key === undefined) throw new Error(`no key: ${response.status}`);
  return key;
}

async function comparisons(): Promise<Compared[]> {
  const skiff = await SkiffProcess.start();
  running.push(skiff);
  const { url } = skiff;
  await skiff.deploy("plain", PLAIN, "min=1");
  await skiff.deploy("limited", PLAIN, `min=1&${QUOTA}`);
  await skiff.deploy("guarded", PLAIN, "min=1&access=key");
  await skiff.deploy("both", PLAIN, `min=1&access=key&${QUOTA}`);
  await skiff.deploy("printing", PRINTING, "min=1");
  await skiff.deploy("all", PRINTING, `min=1&access=key&${QUOTA}`);
  const key = await issueKey(url);
  const limitedKey = await issueKey(url, { rate: "1000000/s", inFlight: 1_000_000, perMonth: 1_000_000_000 });
  const plain = peerOf("unused", `${url}/fn/plain`);
  const used = (what: string, name: string, withKey?: string): Compared => {
    return { peer: peerOf(what, `${url}/fn/${name}`, withKey), base: plain, least: 0.85 };
  };
  const rows = [
    used("quota of the function", "limited"),
    used("key", "guarded", key),
    used("key with a quota, quota of the function", "both", limitedKey),
  ];
  const printing = used("a line of log for each call", "printing");
  const all = used("all of them", "all", limitedKey);
  // Printing is work of the function: what Skiff adds to it is the same with and without the rest.
  rows.push({ ...printing, least: 0 }, { ...all, base: printing.peer });
  if (before === undefined) return rows;
  const older = await SkiffProcess.start({}, [], before);
  running.push(older);
  await older.deploy("plain", PLAIN, "min=1");
  return [{ peer: plain, base: peerOf("before", `${older.url}/fn/plain`), least: 0.95 }, ...rows];
}

try {
  const compared = await comparisons();
  const peers = [...new Set(compared.flatMap(({ base, peer }) => [base, peer]))];
  for (let round = 0; round < Number(rounds); round++) {
    const order = round % 2 === 0 ? peers : peers.toReversed();
    for (const { script, url, rates } of order) {
      wrkWith(script, url, CONNECTIONS);
      rates.push(wrkWith(script, url, CONNECTIONS).perSecond);
    }
  }
  const rows = compared.map(({ peer, base, least }): Row => {
    const ratios = peer.rates.map((rate, round) => rate / base.rates[round]!);
    const range = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`;
    const ratio = median(ratios);
    const figure = `${Math.round(median(peer.rates))}/s, ${ratio.toFixed(3)} (${range}) × ${base.what}`;
    if (least === 0) return { what: peer.what, figure };
    return { what: peer.what, figure, target: `at least ${least}`, met: ratio >= least };
  });
  printTable(`Keys, quotas and logs on the plain GET, at ${CONNECTIONS} connections`, rows);
} finally {
  for (const skiff of running) await skiff.close();
  rmSync(folder, { recursive: true, force: true });
}
