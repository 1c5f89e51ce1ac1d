import { limitsFromEnv } from "../../../platform/limits.ts";
import { PostgresStore, type PostgresStoreOptions } from "../../../store/postgres/postgres-store.ts";
import { sharedPostgres } from "../../support/postgres.ts";
import type { Harness } from "../conformance/subject.ts";

export const DAY_MS = 86_400_000;

/** Stores in databases of the shared server. */
export class PostgresHarness implements Harness<PostgresStore> {
  readonly #urls = new Map<PostgresStore, string>();

  async open(options: Partial<PostgresStoreOptions> = {}): Promise<PostgresStore> {
    migrated ??= migrate();
    return this.openAt(await (await sharedPostgres()).newDatabase(await migrated), options);
  }

  async reopen(store: PostgresStore): Promise<PostgresStore> {
    return this.openAt(this.urlOf(store));
  }

  openAt(url: string, options: Partial<PostgresStoreOptions> = {}): PostgresStore {
    const print = () => {};
    const store = new PostgresStore({ url, print, limits: limitsFromEnv({}), ...options });
    this.#urls.set(store, url);
    return store;
  }

  urlOf(store: PostgresStore): string {
    return this.#urls.get(store)!;
  }

  async dispose(): Promise<void> {
    for (const store of this.#urls.keys()) await store.close();
    this.#urls.clear();
  }
}

let migrated: Promise<string> | undefined;

/** Returns the URL of a database with the newest tables, of which stores get copies: to make the tables takes longer. */
async function migrate(): Promise<string> {
  const url = await (await sharedPostgres()).newDatabase();
  const store = new PostgresStore({ url, print: () => {}, limits: limitsFromEnv({}) });
  await store.calls.get("none");
  await store.close();
  return url;
}
