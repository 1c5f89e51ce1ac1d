import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { DeclarationPage } from "../../declarations.ts";
import {
  type Artifact,
  artifactOf,
  type Source,
  type SourceType,
  type VersionRecord,
} from "../../platform.ts";
import type { SecretSummary, SecretUser } from "../../secrets.ts";
import { openDatabase, schemaVersion, unusable } from "../../sqlite/database-file.ts";
import {
  type DeclarationChange,
  type DeclarationResult,
  type DeclarationRow,
  declarationRow,
  isAllowed,
  isSame,
} from "./declaration-rows.ts";
import { MIGRATIONS } from "./migrations.ts";
import {
  SECRET_SUMMARIES,
  SECRET_USERS,
  type SecretRow,
  type SecretState,
  secretRow,
  secretSummary,
  secretUser,
  UNUSED_SECRETS,
} from "./secret-rows.ts";
import {
  byName,
  CALLABLE,
  callableVersion,
  type FunctionRecord,
  type FunctionRoute,
  functionRoute,
  type NewVersion,
  RECORDS,
  type Row,
  versionRecord,
} from "./version-rows.ts";

/**
 * Functions, their versions, secrets and declarations in SQLite. A commit is on the disk when it returns
 * (synchronous=FULL), so an acknowledged deploy survives a crash. The lock is exclusive: one Skiff per data folder. Removed
 * data is overwritten, in the database and in its log.
 */
export class StoreDatabase {
  readonly #file: string;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** True if the log may contain removed data. */
  #logHasRemoved = true;

  /**
   * Locks the file. An existing file is not written.
   * @throws Error if another process has the data folder, or a newer Skiff wrote it
   */
  constructor(file: string) {
    this.#file = file;
    this.#db = openDatabase(file, MIGRATIONS.length);
  }

  /** Migrates the database to the current schema in one transaction. Call it before every other method. */
  prepare(): void {
    try {
      this.#db.exec("PRAGMA journal_mode = WAL");
      const version = schemaVersion(this.#db);
      if (version === MIGRATIONS.length) return;
      this.#transaction(() => {
        for (const migrate of MIGRATIONS.slice(version)) migrate(this.#db);
        this.#db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
      });
    } catch (error) {
      throw unusable(this.#db, this.#file, error);
    }
  }

  /** In order of name. */
  functions(): FunctionRecord[] {
    const traffic = byName(this.#all("SELECT name, version, weight FROM traffic ORDER BY name, place"));
    const routes = byName(this.#all("SELECT * FROM routes"));
    const versions = byName(this.#all(CALLABLE));
    const routed = byName(
      this.#all(`${RECORDS} JOIN traffic t ON t.name = v.name AND t.version = v.version ORDER BY v.name`),
    );
    return this.#all("SELECT name, created_at FROM functions ORDER BY name").map((row) => {
      const name = row.name as string;
      return {
        name,
        createdAt: new Date(row.created_at as number),
        ...functionRoute(traffic.get(name) ?? [], routes.get(name)?.[0]),
        versions: (versions.get(name) ?? []).map(callableVersion),
        routed: (routed.get(name) ?? []).map(versionRecord),
      };
    });
  }

  /** Oldest first. */
  versions(name: string): VersionRecord[] {
    return this.#all(`${RECORDS} WHERE v.name = ? ORDER BY v.version`, name).map(versionRecord);
  }

  version(name: string, version: number): VersionRecord | undefined {
    return this.#all(`${RECORDS} WHERE v.name = ? AND v.version = ?`, name, version).map(versionRecord)[0];
  }

  source(name: string, version: number): Source | undefined {
    const select = "SELECT source_type, source FROM versions WHERE name = ? AND version = ?";
    const row = this.#sql(select).get(name, version) as Row | undefined;
    return row && { type: row.source_type as SourceType, bytes: row.source as Uint8Array };
  }

  bundle(name: string, version: number): Artifact | undefined {
    const select = "SELECT CAST(bundle AS BLOB) AS bundle FROM versions WHERE name = ? AND version = ?";
    const row = this.#sql(select).get(name, version) as Row | undefined;
    return row && artifactOf(row.bundle as Uint8Array);
  }

  /**
   * Stores a version without traffic and removes the versions `forget`. Durable when it returns.
   * @returns a line for the log if removed data can still be read in the file
   */
  add(version: NewVersion, forget: readonly number[]): string | undefined {
    const { name, version: number, sourceHash, createdAt, note, pinned } = version;
    this.#transaction(() => {
      this.#sql("INSERT INTO functions VALUES (?, ?) ON CONFLICT DO NOTHING").run(name, createdAt.getTime());
      this.#insert(version);
      this.#sql("INSERT INTO source_hashes VALUES (?, ?, ?)").run(name, number, sourceHash);
      const noted = [note.by, note.message ?? null, note.commit ?? null, Number(pinned), note.author ?? null];
      this.#sql("INSERT INTO version_notes VALUES (?, ?, ?, ?, ?, ?, ?)").run(name, number, ...noted);
      this.#forget(name, forget);
    });
    return this.#cleanLog();
  }

  /** Sets the route of a function and removes the versions `forget`. Returns a line as `add`. */
  route(
    name: string,
    { traffic, rules, whole }: FunctionRoute,
    forget: readonly number[],
  ): string | undefined {
    this.#transaction(() => {
      this.#sql("DELETE FROM traffic WHERE name = ?").run(name);
      for (const [place, { version, weight }] of traffic.entries()) {
        this.#sql("INSERT INTO traffic VALUES (?, ?, ?, ?)").run(name, version, weight, place);
      }
      const route = [JSON.stringify(whole), JSON.stringify(rules)] as const;
      this.#sql("INSERT OR REPLACE INTO routes VALUES (?, ?, ?)").run(name, ...route);
      this.#forget(name, forget);
    });
    return this.#cleanLog();
  }

  /** Pins or unpins a version. False if it does not exist. Durable when it returns. */
  pin(name: string, version: number, isPinned: boolean): boolean {
    const update = this.#sql("UPDATE version_notes SET pinned = ? WHERE name = ? AND version = ?");
    return update.run(Number(isPinned), name, version).changes > 0;
  }

  /** Removes a function with all its versions. Returns a line as `add`. */
  remove(name: string): string | undefined {
    this.#transaction(() => this.#delete("DELETE FROM functions WHERE name = ?", name));
    return this.#cleanLog();
  }

  declaration(kind: string, name: string): DeclarationRow | undefined {
    const select = "SELECT * FROM declarations WHERE kind = ? AND name = ?";
    return this.#all(select, kind, name).map(declarationRow)[0];
  }

  /** In order of name, after the name `after`; all of them without a limit. */
  declarations(kind: string, { after = "", limit = -1 }: Partial<DeclarationPage> = {}): DeclarationRow[] {
    const select = "SELECT * FROM declarations WHERE kind = ? AND name > ? ORDER BY name LIMIT ?";
    return this.#all(select, kind, after, limit).map(declarationRow);
  }

  /** Puts or removes a declaration. Durable when it returns. */
  declare({ kind, name, spec, ifRevision, at }: DeclarationChange): DeclarationResult {
    const before = this.declaration(kind, name);
    if (!isAllowed(before, ifRevision)) return { isAllowed: false, before, now: before };
    if (isSame(before?.spec, spec)) return { isAllowed: true, before, now: before };
    this.#transaction(() => {
      this.#delete("DELETE FROM declarations WHERE kind = ? AND name = ?", kind, name);
      if (spec === undefined) return;
      const [createdAt, updatedAt] = [(before?.createdAt ?? at).getTime(), at.getTime()];
      const insert = "INSERT INTO declarations VALUES (NULL, ?, ?, ?, ?, ?)";
      this.#sql(insert).run(kind, name, spec, createdAt, updatedAt);
    });
    return { isAllowed: true, before, now: this.declaration(kind, name), left: this.#cleanLog() };
  }

  /** The kept versions of one secret. */
  secret(name: string): SecretState {
    const highest = this.#all("SELECT highest FROM secret_numbers WHERE name = ?", name)[0]?.highest ?? 0;
    const rows = this.#all("SELECT * FROM secrets WHERE name = ? ORDER BY version", name).map(secretRow);
    return { rows, highest: highest as number };
  }

  hasSecrets(): boolean {
    return this.#all("SELECT 1 FROM secrets LIMIT 1").length > 0;
  }

  /** In order of name, after the name `after`. */
  secretSummaries(after: string, limit: number): SecretSummary[] {
    return this.#all(SECRET_SUMMARIES, after, limit).map(secretSummary);
  }

  /** The versions of functions that name a secret. */
  secretUsers(secret: string): SecretUser[] {
    return this.#all(SECRET_USERS, secret).map(secretUser);
  }

  /** Durable when it returns. */
  addSecret({ name, version, createdAt, keyId, sealed }: SecretRow): string | undefined {
    this.#transaction(() => {
      const number = "INSERT INTO secret_numbers VALUES (?1, ?2) ON CONFLICT DO UPDATE SET highest = ?2";
      this.#sql(number).run(name, version);
      const insert = this.#sql("INSERT INTO secrets VALUES (?, ?, ?, ?, ?)");
      insert.run(name, version, createdAt.getTime(), keyId, sealed);
    });
    return this.#cleanLog();
  }

  /** Removes all versions of a secret. Returns a line as `add`. */
  removeSecret(name: string): string | undefined {
    this.#transaction(() => this.#delete("DELETE FROM secrets WHERE name = ?", name));
    return this.#cleanLog();
  }

  /** Removes the values that nothing needs, without those of the secrets `claimed`. Returns a line as `add`. */
  sweepSecrets(claimed: readonly string[]): string | undefined {
    const names = JSON.stringify(claimed);
    const unused = this.#all(`SELECT name, version ${UNUSED_SECRETS}`, names);
    if (unused.length === 0) return undefined;
    this.#transaction(() => {
      for (const { name, version } of unused) {
        const remove = "DELETE FROM secrets WHERE name = ? AND version = ?";
        this.#delete(remove, name as string, version as number);
      }
    });
    return this.#cleanLog();
  }

  close(): void {
    this.#db.close();
  }

  #insert({ name, version, hash, settings, createdAt, content }: NewVersion): void {
    const record = [name, version, hash, JSON.stringify(settings), createdAt.getTime()] as const;
    if (!("sameAs" in content)) {
      const { source, artifact } = content;
      const insert = this.#sql("INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT))");
      insert.run(...record, source.type, source.bytes, artifact.code);
      return;
    }
    const { changes } = this.#sql(`
      INSERT INTO versions SELECT ?, ?, ?, ?, ?, source_type, source, bundle
      FROM versions WHERE name = ? AND version = ?`).run(...record, name, content.sameAs);
    if (changes !== 1) throw new Error(`version ${content.sameAs} of ${name} is not stored`);
  }

  #forget(name: string, versions: readonly number[]): void {
    for (const version of versions) {
      this.#delete("DELETE FROM versions WHERE name = ? AND version = ?", name, version);
    }
  }

  #all(text: string, ...values: (string | number)[]): Row[] {
    return this.#sql(text).all(...values) as Row[];
  }

  #sql(text: string): StatementSync {
    const statement = this.#statements.get(text) ?? this.#db.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }

  #delete(text: string, ...values: (string | number)[]): void {
    if (this.#sql(text).run(...values).changes !== 0) this.#logHasRemoved = true;
  }

  #transaction(work: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#db.exec("COMMIT");
    } catch (error) {
      // A large transaction may have written to the log, which keeps it after a rollback.
      this.#logHasRemoved = true;
      // SQLite may have rolled back by itself, for instance on a full disk. ROLLBACK would fail then.
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Empties the log. The change is committed, so an error is only logged. The next change tries again. */
  #cleanLog(): string | undefined {
    if (!this.#logHasRemoved) return undefined;
    try {
      this.#sql("PRAGMA wal_checkpoint(TRUNCATE)").get();
      this.#logHasRemoved = false;
      return undefined;
    } catch (error) {
      const { message } = error as Error;
      return `removed data can be read in ${this.#file}-wal until the next deploy or removal: ${message}`;
    }
  }
}
