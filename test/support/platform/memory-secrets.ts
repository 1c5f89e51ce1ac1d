import type { VersionRecord } from "../../../platform/platform.ts";
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
} from "../../../platform/secrets.ts";

export interface MemorySecretsOptions {
  /** All versions of functions. */
  readonly records: () => readonly VersionRecord[];
  readonly throwIfOver: () => void;
}

interface Kept {
  readonly version: number;
  readonly createdAt: Date;
  readonly value: string;
}

/** Secrets in memory, for the fake platform. */
export class MemorySecrets implements Secrets {
  readonly #options: MemorySecretsOptions;
  readonly #kept = new Map<string, Kept[]>();
  readonly #highest = new Map<string, number>();
  readonly #claims = new Set<ReadonlySet<string>>();

  constructor(options: MemorySecretsOptions) {
    this.#options = options;
  }

  async put(name: string, { value, ifVersion }: NewSecret): Promise<PutSecret> {
    const kept = this.#of(name);
    const newest = kept.at(-1);
    checkSecretVersion(name, newest?.version, ifVersion);
    if (newest?.value === value) return { name, version: newest.version, created: false, unchanged: true };
    const version = (this.#highest.get(name) ?? 0) + 1;
    this.#highest.set(name, version);
    this.#kept.set(name, [...kept, { version, createdAt: new Date(), value }]);
    return { name, version, created: newest === undefined, unchanged: false };
  }

  async list({ after = "", limit }: { after?: string | undefined; limit: number }): Promise<SecretSummary[]> {
    this.#options.throwIfOver();
    const names = [...this.#kept.keys()].filter((name) => name > after).sort();
    return names.slice(0, limit).map((name) => summaryOf(name, this.#kept.get(name)!));
  }

  async describe(name: string): Promise<SecretDescription | undefined> {
    const kept = this.#of(name);
    if (kept.length === 0) return undefined;
    const versions = kept.map(({ version, createdAt }) => ({ version, createdAt }));
    return { ...summaryOf(name, kept), versions, users: this.#users(name) };
  }

  async has(name: string, version: number): Promise<boolean> {
    return this.#of(name).some((kept) => kept.version === version);
  }

  async remove(name: string, { ifVersion }: { ifVersion?: VersionCondition } = {}) {
    checkSecretVersion(name, this.#of(name).at(-1)?.version, ifVersion);
    return this.#kept.delete(name);
  }

  async claim(names: readonly string[]): Promise<ClaimedSecrets> {
    const newest = names.flatMap((name) => {
      const version = this.#of(name).at(-1)?.version;
      return version === undefined ? [] : [[name, version] as const];
    });
    const claim = new Set(names);
    this.#claims.add(claim);
    return { versions: new Map(newest), release: () => this.#claims.delete(claim) };
  }

  async resolve(refs: SecretRefs): Promise<Readonly<Record<string, string>>> {
    const values = Object.entries(refs).map(([variable, ref]) => {
      const found = this.#of(ref.secret).find(({ version }) => version === ref.version);
      if (found === undefined) throw secretGone(ref);
      return [variable, found.value];
    });
    return Object.fromEntries(values);
  }

  #users(secret: string) {
    return this.#options.records().flatMap(({ name, version, settings }) => {
      const refs = Object.values(settings.secrets).filter((ref) => ref.secret === secret);
      const pulls = settings.pullSecret === secret ? [null] : [];
      return [...new Set([...pulls, ...refs.map((ref) => ref.version)])].map((secretVersion) => ({
        ...{ name, version, secretVersion },
      }));
    });
  }

  #of(name: string): Kept[] {
    this.#options.throwIfOver();
    checkSecretName(name);
    const kept = this.#kept.get(name);
    if (kept === undefined || [...this.#claims].some((claim) => claim.has(name))) return kept ?? [];
    const used = new Set(this.#users(name).map(({ secretVersion }) => secretVersion));
    const needed = kept.filter((each) => each === kept.at(-1) || used.has(each.version));
    this.#kept.set(name, needed);
    return needed;
  }
}

function summaryOf(name: string, kept: readonly Kept[]): SecretSummary {
  const [oldest, newest] = [kept[0]!, kept.at(-1)!];
  return { name, version: newest.version, createdAt: oldest.createdAt, updatedAt: newest.createdAt };
}
