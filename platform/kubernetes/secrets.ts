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
  type SecretUser,
  secretGone,
  type VersionCondition,
} from "../secrets.ts";
import type { SecretRef } from "../settings/environment.ts";
import type { Cluster } from "./cluster/api.ts";
import { ApiError, clusterProblem, hasStatus } from "./cluster/api-error.ts";
import { KINDS, type Place, type Resource, type Secret } from "./cluster/resources.ts";
import { LABELS, SECRET_KEY, secretObjectName } from "./objects/names.ts";

/** A put fails if others put the same secret this often between its requests. */
const TRIES = 5;
/** Deploys of other managers may have chosen a version before it was replaced. */
const REPLACED_KEPT_MS = 10 * 60_000;

export interface ClusterSecretsOptions extends Cluster {
  /** The versions of functions and what they ask for, from memory. */
  readonly users: () => Promise<readonly FunctionSecrets[]>;
  /** Aborts when the platform closes, with the problem that callers get. */
  readonly closing: AbortSignal;
}

/** A kept version of a function. */
export interface FunctionSecrets {
  readonly name: string;
  readonly version: number;
  readonly secrets: readonly SecretRef[];
  /** The secret with which its image is pulled. */
  readonly pullSecret?: string | undefined;
}

interface Kept {
  readonly name: string;
  readonly version: number;
  readonly createdAt: Date;
}

/**
 * Stores each version of a secret as an immutable Secret, which pods refer to. The name of the object has the number, so
 * of two managers that put at the same time one fails and tries again. Reads go to the API server, so that callers read
 * their own writes, and fetch values only where they are needed.
 */
export class ClusterSecrets implements Secrets {
  readonly #options: ClusterSecretsOptions;

  constructor(options: ClusterSecretsOptions) {
    this.#options = options;
  }

  put(name: string, { value, ifVersion }: NewSecret): Promise<PutSecret> {
    return this.#run(name, async () => {
      for (let attempt = 1; ; attempt++) {
        const newest = (await this.#kept(name)).at(-1);
        checkSecretVersion(name, newest?.version, ifVersion);
        if (
          newest !== undefined &&
          (await this.#value({ secret: name, version: newest.version })) === value
        ) {
          return { name, version: newest.version, created: false, unchanged: true };
        }
        // The versions of a removed secret may still be asked for: their numbers must not get another value.
        const used = (await this.#users(name)).map(({ secretVersion }) => secretVersion ?? 0);
        const version = Math.max(newest?.version ?? 0, ...used) + 1;
        try {
          await this.#options.api.create(this.#place(), this.#manifest({ secret: name, version }, value));
          return { name, version, created: newest === undefined, unchanged: false };
        } catch (error) {
          if (!hasStatus(error, 409) || attempt === TRIES) throw error;
        }
      }
    });
  }

  list({ after = "", limit }: Parameters<Secrets["list"]>[0]): Promise<readonly SecretSummary[]> {
    return this.#run(undefined, async () => {
      const byName = Map.groupBy(await this.#kept(), ({ name }) => name);
      const names = [...byName.keys()].filter((name) => name > after).sort();
      return names.slice(0, limit).map((name) => summaryOf(byName.get(name)!));
    });
  }

  describe(name: string): Promise<SecretDescription | undefined> {
    return this.#run(name, async () => {
      const kept = await this.#kept(name);
      if (kept.length === 0) return undefined;
      const versions = kept.map(({ version, createdAt }) => ({ version, createdAt }));
      return { ...summaryOf(kept), versions, users: await this.#users(name) };
    });
  }

  has(name: string, version: number): Promise<boolean> {
    return this.#run(name, async () => (await this.#kept(name)).some((kept) => kept.version === version));
  }

  remove(name: string, { ifVersion }: { ifVersion?: VersionCondition } = {}): Promise<boolean> {
    return this.#run(name, async () => {
      const kept = await this.#kept(name);
      checkSecretVersion(name, kept.at(-1)?.version, ifVersion);
      await Promise.all(kept.map((each) => this.#delete(each)));
      return kept.length > 0;
    });
  }

  claim(names: readonly string[]): Promise<ClaimedSecrets> {
    return this.#run(undefined, async () => {
      const found = await Promise.all([...new Set(names)].map((name) => this.#kept(name)));
      const newest = found.flatMap((kept) => kept.at(-1) ?? []);
      const versions = new Map(newest.map(({ name, version }) => [name, version]));
      // REPLACED_KEPT_MS keeps them for every manager.
      return { versions, release: () => {} };
    });
  }

  resolve(refs: SecretRefs): Promise<Readonly<Record<string, string>>> {
    return this.#run(undefined, async () => {
      const values = Object.entries(refs).map(async ([variable, ref]) => {
        const value = await this.#value(ref);
        if (value === undefined) throw secretGone(ref);
        return [variable, value] as const;
      });
      return Object.fromEntries(await Promise.all(values));
    });
  }

  /** Deletes the versions that were replaced a while ago and that no version of a function asks for. */
  sweep(now: Date, keptMs = REPLACED_KEPT_MS): Promise<void> {
    return this.#run(undefined, async () => {
      const byName = Map.groupBy(await this.#kept(), ({ name }) => name);
      const users = await this.#options.users();
      const asked = new Set(
        users.flatMap(({ secrets }) => secrets.map((ref) => secretObjectName(ref.secret, ref.version))),
      );
      const old = [...byName.values()].flatMap((kept) =>
        kept.filter(({ name, version }, index) => {
          const replacement = kept[index + 1];
          if (replacement === undefined || asked.has(secretObjectName(name, version))) return false;
          return now.getTime() - replacement.createdAt.getTime() >= keptMs;
        }),
      );
      await Promise.all(old.map((each) => this.#delete(each)));
    });
  }

  async #users(secret: string): Promise<SecretUser[]> {
    const all = await this.#options.users();
    const users = all.flatMap(({ name, version, secrets, pullSecret }) => {
      const refs = secrets.filter((ref) => ref.secret === secret).map((ref) => ref.version);
      const versions = new Set(pullSecret === secret ? [null, ...refs] : refs);
      return [...versions].map((secretVersion) => ({ name, version, secretVersion }));
    });
    return users.sort((a, b) => (a.name === b.name ? a.version - b.version : a.name < b.name ? -1 : 1));
  }

  /** The kept versions without their values, oldest first; of all secrets without a name. */
  async #kept(secret?: string): Promise<Kept[]> {
    const { api, closing: signal } = this.#options;
    const selector = secret === undefined ? LABELS.secret : `${LABELS.secret}=${secret}`;
    const { items } = await api.list<Resource>(this.#place(), selector, { metadataOnly: true, signal });
    return items.flatMap((each) => keptOf(each) ?? []).sort((a, b) => a.version - b.version);
  }

  async #value({ secret, version }: SecretRef): Promise<string | undefined> {
    const { api, closing: signal } = this.#options;
    const object = await api.get<Secret>(this.#place(secretObjectName(secret, version)), { signal });
    const data = object?.data?.[SECRET_KEY];
    return data === undefined ? undefined : Buffer.from(data, "base64").toString("utf8");
  }

  #manifest({ secret, version }: SecretRef, value: string): object {
    const labels = {
      [LABELS.managedBy]: "skiff",
      [LABELS.secret]: secret,
      [LABELS.secretVersion]: String(version),
    };
    return {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: secretObjectName(secret, version), namespace: this.#options.namespace, labels },
      type: "Opaque",
      immutable: true,
      data: { [SECRET_KEY]: Buffer.from(value).toString("base64") },
    };
  }

  async #delete({ name, version }: Kept): Promise<void> {
    await this.#options.api.delete(this.#place(secretObjectName(name, version)), "Background");
  }

  #place(name?: string): Place {
    const place = { kind: KINDS.secrets, namespace: this.#options.namespace };
    return name === undefined ? place : { ...place, name };
  }

  async #run<T>(name: string | undefined, work: () => Promise<T>): Promise<T> {
    const { closing } = this.#options;
    closing.throwIfAborted();
    if (name !== undefined) checkSecretName(name);
    try {
      return await work();
    } catch (error) {
      closing.throwIfAborted();
      throw error instanceof ApiError ? clusterProblem(withoutBody(error)) : clusterProblem(error);
    }
  }
}

/** Messages of the API server about a rejected object may quote its content. */
function withoutBody({ status, reason, retryAfterS }: ApiError): ApiError {
  return new ApiError(status, reason, "a Secret", retryAfterS);
}

function keptOf({ metadata }: Resource): Kept | undefined {
  const { labels = {}, creationTimestamp = "", name: object } = metadata;
  const [name, version] = [labels[LABELS.secret], Number(labels[LABELS.secretVersion])];
  // Labels can be written by hand.
  if (name === undefined || object !== secretObjectName(name, version)) return undefined;
  return { name, version, createdAt: new Date(creationTimestamp) };
}

function summaryOf(kept: readonly Kept[]): SecretSummary {
  const [oldest, newest] = [kept[0]!, kept.at(-1)!];
  const { name, version, createdAt: updatedAt } = newest;
  return { name, version, createdAt: oldest.createdAt, updatedAt };
}
