/** The rows of git repositories. PostgreSQL alone has them. */
import type { StoredPack, StoredRepository } from "../../git/repositories.ts";
import { type Row, read, sql, type Work } from "../work.ts";
import { keepPacks, removeNamedPacks } from "./packs.ts";

export function* getRepository(name: string): Work<StoredRepository | undefined> {
  const [row] = yield read("SELECT * FROM repositories WHERE name = $1", name);
  return row && toRepository(row);
}

export function* listRepositories(after: string, limit: number): Work<readonly StoredRepository[]> {
  const rows = yield read("SELECT * FROM repositories WHERE name > $1 ORDER BY name LIMIT $2", after, limit);
  return rows.map(toRepository);
}

export function* ownerOfFunction(functionName: string): Work<string | undefined> {
  const found = yield read(
    "SELECT name FROM repositories WHERE functions @> ARRAY[$1::text] ORDER BY name = $1::text, name LIMIT 1",
    functionName,
  );
  return found[0]?.name as string | undefined;
}

/** Returns the new revision; undefined if the row has another one than `revision`, or if there is one without it. */
export function* saveRepository(
  repository: Omit<StoredRepository, "revision">,
  revision: number | undefined,
): Work<number | undefined> {
  const { name, refs, packs, functions, state, updatedAt } = repository;
  const values = [
    name,
    JSON.stringify(refs),
    JSON.stringify(packs),
    functions,
    JSON.stringify(state),
    updatedAt.getTime(),
  ] as const;
  const [row] =
    revision === undefined
      ? yield sql(
          `INSERT INTO repositories (name, revision, refs, packs, functions, state, updated_at)
           VALUES ($1, nextval('repository_revisions'), $2, $3, $4, $5, $6)
           ON CONFLICT (name) DO NOTHING RETURNING revision`,
          ...values,
        )
      : yield sql(
          `UPDATE repositories SET revision = nextval('repository_revisions'),
             refs = $2, packs = $3, functions = $4, state = $5, updated_at = $6
           WHERE name = $1 AND revision = $7 RETURNING revision`,
          ...values,
          revision,
        );
  if (row === undefined) return undefined;
  yield* keepPacks(
    name,
    packs.map(({ id }) => id),
  );
  return Number(row.revision);
}

/** Returns whether there was one. */
export function* removeRepository(name: string): Work<boolean> {
  const removed = yield sql("DELETE FROM repositories WHERE name = $1 RETURNING name", name);
  if (removed.length === 0) return false;
  yield* removeNamedPacks(name, []);
  return true;
}

function toRepository(row: Row): StoredRepository {
  return {
    name: row.name as string,
    revision: Number(row.revision),
    refs: JSON.parse(row.refs as string) as Record<string, string>,
    packs: JSON.parse(row.packs as string) as StoredPack[],
    functions: row.functions as string[],
    state: JSON.parse(row.state as string) as object,
    updatedAt: new Date(Number(row.updated_at)),
  };
}
