/**
 * What finished calls cost the live ones: `node bench/events/records.ts [RECORDS] [LEASES]`. Leases of a store without and
 * of one with a million records, in alternation. The records may add 10 % to the p99.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SqliteStore } from "../../store/sqlite/sqlite-store.ts";
import { NOON, newCall, Worker } from "../../test/store/conformance/calls/new-call.ts";
import { ms, printTable } from "../tools/report.ts";

const [records, leases] = [Number(process.argv[2] ?? 1_000_000), Number(process.argv[3] ?? 2_000)];
const AT_ONCE = 16;
const ROUND = 50;

interface Measured {
  readonly worker: Worker;
  readonly store: SqliteStore;
  readonly leasesMs: number[];
}

const folder = mkdtempSync(join(tmpdir(), "skiff-records-"));

async function open(name: string, count: number): Promise<Measured> {
  const file = join(folder, name);
  const first = new SqliteStore({ file, print: console.error });
  await first.opened;
  const worker = new Worker(first);
  await worker.enqueue(newCall());
  await worker.done(...(await worker.lease()));
  await first.close();
  const db = new DatabaseSync(file);
  // Copies of a real record. Their ids grow, as those of real ones do.
  db.exec(`CREATE TEMP TABLE one AS SELECT * FROM ended_calls; PRAGMA synchronous = OFF;
    INSERT INTO ended_calls WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${count})
    SELECT * FROM (SELECT printf('%032x', n) AS id, ${columnsBut(db, "id")} FROM one CROSS JOIN number WHERE ${count} > 0)`);
  db.close();
  const store = new SqliteStore({ file, print: console.error });
  await store.opened;
  return { store, worker: new Worker(store), leasesMs: [] };
}

function columnsBut(db: DatabaseSync, but: string): string {
  const columns = db.prepare("SELECT name FROM pragma_table_info('ended_calls')").all() as { name: string }[];
  return columns.flatMap(({ name }) => (name === but ? [] : [`one."${name}"`])).join(", ");
}

async function measure({ worker, leasesMs }: Measured): Promise<void> {
  await worker.enqueue(...Array.from({ length: ROUND * AT_ONCE }, () => newCall()));
  const request = {
    owner: worker.owner,
    now: NOON,
    limit: AT_ONCE,
    perQueue: AT_ONCE,
    running: {},
    except: [],
  };
  for (let lease = 0; lease < ROUND; lease++) {
    const beganMs = performance.now();
    const { calls } = await worker.calls.lease(request);
    leasesMs.push(performance.now() - beganMs);
    if (calls.length !== AT_ONCE) throw new Error(`${calls.length} calls`);
    await worker.done(...calls);
  }
}

const measured = [await open("without.db", 0), await open("with.db", records)] as const;
try {
  for (const { worker } of measured) await worker.calls.beat(worker.owner, NOON);
  for (let round = 0; round < leases / ROUND; round++) {
    for (const each of round % 2 === 0 ? measured : measured.toReversed()) await measure(each);
  }
  const at = ({ leasesMs }: Measured, part: number) =>
    leasesMs.toSorted((a, b) => a - b)[Math.floor(part * (leasesMs.length - 1))]!;
  const [without, full] = measured;
  const ratio = at(full, 0.99) / at(without, 0.99);
  const figure = (of: Measured) => `${ms(at(of, 0.5))}, p99 ${ms(at(of, 0.99))}`;
  printTable(`${leases} leases of ${AT_ONCE} calls`, [
    { what: "without records", figure: figure(without) },
    { what: `with ${records} records`, figure: figure(full) },
    { what: "p99, with ÷ without", figure: ratio.toFixed(2), target: "<= 1.10", met: ratio <= 1.1 },
  ]);
} finally {
  for (const { store } of measured) await store.close();
  rmSync(folder, { recursive: true, force: true });
}
