import {
  type ClaimedSecrets,
  checkSecretName,
  checkSecretVersion,
  type NewSecret,
  type PutSecret,
  type SecretDescription,
  type SecretRefs,
  type SecretSummary,
  type Secrets,
  secretGone,
  type VersionCondition,
} from "../../secrets.ts";
import type { SecretRow } from "../store/secret-rows.ts";
import type { Store } from "../store/store.ts";
import { seal, unseal } from "./sealing.ts";
import type { SecretKey } from "./secret-key.ts";

export interface LocalSecretsOptions {
  readonly store: Store;
  readonly key: SecretKey;
  /** Aborted with the problem that callers get once the platform is closed. */
  readonly closing: AbortSignal;
  readonly print: (line: string) => void;
}

/** Secrets as encrypted rows of the store. No other process opens the file, so every change passes here. */
export class LocalSecrets implements Secrets {
  readonly #options: LocalSecretsOptions;
  /** The last change: the next one needs the number that it gave. */
  #change: Promise<unknown> = Promise.resolve();
  /** Claims by name of the secret. */
  readonly #claims = new Map<string, number>();

  constructor(options: LocalSecretsOptions) {
    this.#options = options;
  }

  async put(name: string, { value, ifVersion }: NewSecret): Promise<PutSecret> {
    this.#check(name);
    return await this.#inOrder(async () => {
      const { store, key: keys } = this.#options;
      const { rows, highest } = await store.secret(name);
      const newest = rows.at(-1);
      checkSecretVersion(name, newest?.version, ifVersion);
      const key = keys.forWriting(await store.hasSecrets());
      // A value that cannot be decrypted is replaced.
      if (newest?.keyId === key.id && this.#open(newest) === value) {
        return { name, version: newest.version, created: false, unchanged: true };
      }
      const version = highest + 1;
      const sealed = seal(key.bytes, value, { name, version });
      this.#log(await store.addSecret({ name, version, createdAt: new Date(), keyId: key.id, sealed }));
      await this.#sweep();
      return { name, version, created: newest === undefined, unchanged: false };
    });
  }

  async list({ after, limit }: Parameters<Secrets["list"]>[0]): Promise<readonly SecretSummary[]> {
    this.#options.closing.throwIfAborted();
    return await this.#options.store.secretSummaries(after ?? "", limit);
  }

  async describe(name: string): Promise<SecretDescription | undefined> {
    this.#check(name);
    const { store } = this.#options;
    const [{ rows }, users] = await Promise.all([store.secret(name), store.secretUsers(name)]);
    const versions = rows.map(({ version, createdAt }) => ({ version, createdAt }));
    const [oldest, newest] = [versions[0], versions.at(-1)];
    if (oldest === undefined || newest === undefined) return undefined;
    const { createdAt } = oldest;
    return { name, version: newest.version, createdAt, updatedAt: newest.createdAt, versions, users };
  }

  async has(name: string, version: number): Promise<boolean> {
    this.#check(name);
    const { rows } = await this.#options.store.secret(name);
    return rows.some((row) => row.version === version);
  }

  async remove(name: string, { ifVersion }: { ifVersion?: VersionCondition } = {}): Promise<boolean> {
    this.#check(name);
    return await this.#inOrder(async () => {
      const { store } = this.#options;
      const { rows } = await store.secret(name);
      checkSecretVersion(name, rows.at(-1)?.version, ifVersion);
      if (rows.length === 0) return false;
      this.#log(await store.removeSecret(name));
      return true;
    });
  }

  async claim(names: readonly string[]): Promise<ClaimedSecrets> {
    this.#options.closing.throwIfAborted();
    const claimed = [...new Set(names)];
    // Before the request, because an earlier request of a sweep may still be on its way.
    for (const name of claimed) this.#claims.set(name, (this.#claims.get(name) ?? 0) + 1);
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      for (const name of claimed) {
        const left = this.#claims.get(name)! - 1;
        if (left === 0) this.#claims.delete(name);
        else this.#claims.set(name, left);
      }
      this.sweep();
    };
    try {
      const found = await Promise.all(claimed.map((name) => this.#options.store.secret(name)));
      const newest = found.flatMap(({ rows }) => rows.at(-1) ?? []);
      return { versions: new Map(newest.map(({ name, version }) => [name, version])), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  async resolve(refs: SecretRefs): Promise<Readonly<Record<string, string>>> {
    const values = Object.entries(refs).map(async ([variable, ref]) => {
      const { rows } = await this.#options.store.secret(ref.secret);
      const row = rows.find(({ version }) => version === ref.version);
      if (row === undefined) throw secretGone(ref);
      return [variable, this.#open(row)] as const;
    });
    return Object.fromEntries(await Promise.all(values));
  }

  /** Deletes the values that no version of a function needs any more, in the background. */
  sweep(): void {
    if (!this.#options.closing.aborted) void this.#inOrder(() => this.#sweep());
  }

  /** Resolves when the changes under way are over. */
  async close(): Promise<void> {
    await this.#change;
  }

  async #sweep(): Promise<void> {
    try {
      this.#log(await this.#options.store.sweepSecrets([...this.#claims.keys()]));
    } catch (error) {
      // The next change tries again.
      this.#options.print(`old values of secrets are not deleted yet: ${(error as Error).message}`);
    }
  }

  #open({ name, version, keyId, sealed }: SecretRow): string {
    const { key: keys } = this.#options;
    const key = keys.forReading();
    if (key.id !== keyId) keys.wrongKey(name);
    return unseal(key.bytes, sealed, { name, version });
  }

  #inOrder<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#change.then(change);
    this.#change = done.catch(() => {});
    return done;
  }

  /** Logs which removed data can still be read, if any. */
  #log(text: string | undefined): void {
    if (text !== undefined) this.#options.print(text);
  }

  #check(name: string): void {
    this.#options.closing.throwIfAborted();
    checkSecretName(name);
  }
}
