/** What the databases do by themselves, beside which the enqueues are read. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import pg from "pg";

/** About what a call has. */
const ROW = "x".repeat(800);

/** Inserts a second that SQLite commits, one or several in each commit. */
export function sqliteInserts(perCommit: number, seconds: number): number {
  const folder = mkdtempSync(join(tmpdir(), "skiff-bare-"));
  const db = new DatabaseSync(join(folder, "bare.db"));
  try {
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA locking_mode = EXCLUSIVE");
    db.exec(
      "CREATE TABLE calls (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, spec TEXT NOT NULL)",
    );
    const insert = db.prepare("INSERT INTO calls (id, spec) VALUES (?, ?)");
    const beganMs = performance.now();
    let rows = 0;
    while (performance.now() - beganMs < seconds * 1_000) {
      db.exec("BEGIN IMMEDIATE");
      for (let row = 0; row < perCommit; row++) insert.run(String(rows++), ROW);
      db.exec("COMMIT");
    }
    return (rows * 1_000) / (performance.now() - beganMs);
  } finally {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Inserts a second of eight connections to PostgreSQL, each committed by itself, as pgbench does. */
export async function postgresInserts(url: string, seconds: number): Promise<number> {
  const pool = new pg.Pool({ connectionString: url, max: 8 });
  try {
    await pool.query(
      "CREATE TABLE IF NOT EXISTS bare (seq bigserial PRIMARY KEY, id text UNIQUE, spec text)",
    );
    const beganMs = performance.now();
    let rows = 0;
    const insert = { name: "insert", text: "INSERT INTO bare (id, spec) VALUES ($1, $2)" };
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const client = await pool.connect();
        while (performance.now() - beganMs < seconds * 1_000) {
          await client.query({ ...insert, values: [String(rows++), ROW] });
        }
        client.release();
      }),
    );
    return (rows * 1_000) / (performance.now() - beganMs);
  } finally {
    await pool.end();
  }
}
