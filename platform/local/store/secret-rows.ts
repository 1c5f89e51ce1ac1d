import type { SecretSummary, SecretUser } from "../../secrets.ts";

/** An encrypted value in the database. */
export interface SecretRow {
  readonly name: string;
  readonly version: number;
  readonly createdAt: Date;
  /** Id of the key that encrypted it. */
  readonly keyId: string;
  readonly sealed: Uint8Array;
}

export interface SecretState {
  /** Kept versions, oldest first. */
  readonly rows: readonly SecretRow[];
  /** Highest number that a version has had, also before a removal. */
  readonly highest: number;
}

type Row = Record<string, unknown>;

/** Values that no version of a function names. The newest of each secret stays, and all of those in a list of names. */
export const UNUSED_SECRETS = `
  FROM secrets AS s
  WHERE version < (SELECT max(version) FROM secrets WHERE name = s.name)
    AND name NOT IN (SELECT value FROM json_each(?))
    AND NOT EXISTS (
      SELECT 1 FROM versions v, json_each(v.settings, '$.secrets') r
      WHERE r.value ->> '$.secret' = s.name AND r.value ->> '$.version' = s.version)`;

export const SECRET_USERS = `
  SELECT v.name, v.version, r.value ->> '$.version' AS secret_version
  FROM versions v, json_each(v.settings, '$.secrets') r WHERE r.value ->> '$.secret' = ?1
  UNION SELECT name, version, NULL FROM versions WHERE settings ->> '$.pullSecret' = ?1
  ORDER BY 1, 2, 3`;

export const SECRET_SUMMARIES = `
  SELECT name, max(version) AS version, min(created_at) AS created_at, max(created_at) AS updated_at
  FROM secrets WHERE name > ? GROUP BY name ORDER BY name LIMIT ?`;

export function secretRow(row: Row): SecretRow {
  return {
    name: row.name as string,
    version: row.version as number,
    createdAt: new Date(row.created_at as number),
    keyId: row.key_id as string,
    sealed: row.sealed as Uint8Array,
  };
}

export function secretSummary(row: Row): SecretSummary {
  return {
    name: row.name as string,
    version: row.version as number,
    createdAt: new Date(row.created_at as number),
    updatedAt: new Date(row.updated_at as number),
  };
}

export function secretUser(row: Row): SecretUser {
  return {
    name: row.name as string,
    version: row.version as number,
    secretVersion: row.secret_version as number | null,
  };
}
