import type { ClientBase } from "pg";
import { POSTGRES } from "../sql/dialect.ts";
import { MIGRATIONS } from "../sql/schema.ts";

/** Names the lock that one program at a time holds. */
const LOCK = "skiff schema";

/**
 * Brings the database to the schema of this Skiff, in one transaction. Of programs that do it at the same time, one does
 * it and the others wait for it.
 * @throws Error if a newer Skiff did it before
 */
export async function migrate(client: ClientBase): Promise<void> {
  await client.query("BEGIN");
  await client.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [LOCK]);
  await client.query("CREATE TABLE IF NOT EXISTS skiff_schema (version bigint NOT NULL)");
  const { rows } = await client.query<{ version: string }>("SELECT version FROM skiff_schema");
  const version = Number(rows[0]?.version ?? 0);
  if (version > MIGRATIONS.length) {
    await client.query("ROLLBACK");
    throw new Error(`the database was written by a newer Skiff (schema ${version}); start that version`);
  }
  for (const migration of MIGRATIONS.slice(version)) await client.query(migration(POSTGRES));
  if (version < MIGRATIONS.length) {
    await client.query("DELETE FROM skiff_schema");
    await client.query("INSERT INTO skiff_schema VALUES ($1)", [MIGRATIONS.length]);
  }
  await client.query("COMMIT");
}
