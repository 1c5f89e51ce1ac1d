import type { EntityTags } from "../../http/entity-tags.ts";
import { type Declarations, type Declared, preconditionFailed } from "../../platform/declarations.ts";
import { checkKeySpec, type KeySpec } from "../../platform/keys/key.ts";
import type { KeyTable } from "../../platform/keys/key-table.ts";
import { hashOf, KEY_KIND, newKeyId, newKeyText } from "../../platform/keys/key-text.ts";
import type { Limits } from "../../platform/limits.ts";
import { Problem, unknownKey } from "../../platform/problems.ts";
import type { KeyPatch } from "./key-patch.ts";

/** A stored key. `spec` is undefined if what is stored is not valid, so that the key does not work. */
export interface StoredKey {
  readonly id: string;
  readonly spec: KeySpec | undefined;
  /** Every change gives a new one. */
  readonly revision: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The revisions of which a key must have one to be changed; any will do if it is undefined. */
export type KeyCondition = EntityTags | undefined;

export interface KeyRegistryOptions {
  readonly declarations: Declarations;
  readonly keys: KeyTable;
  readonly limits: Limits;
  /** The time of the clock, in milliseconds. */
  readonly now: () => number;
}

/** A change fails if others change the key this often between its read and its write. */
const TRIES = 5;

/** Creates, changes and revokes keys. A change is durable and holds in this process when it resolves. */
export class KeyRegistry {
  readonly #options: KeyRegistryOptions;
  /** The last creation under way: one at a time, so that the limit holds. */
  #creation: Promise<unknown> = Promise.resolve();

  constructor(options: KeyRegistryOptions) {
    this.#options = options;
  }

  /** @returns the key, and its text, which nobody can read again */
  create(given: Omit<KeySpec, "hash">): Promise<{ stored: StoredKey; text: string }> {
    const created = this.#creation.then(
      () => this.#create(given),
      () => this.#create(given),
    );
    this.#creation = created;
    return created;
  }

  async #create(given: Omit<KeySpec, "hash">): Promise<{ stored: StoredKey; text: string }> {
    const { declarations, limits } = this.#options;
    const present = await declarations.list(KEY_KIND, { limit: limits.keys });
    if (present.length >= limits.keys) {
      const detail = `There are ${limits.keys} keys (SKIFF_MAX_KEYS): revoke one with DELETE /key/ID, or raise the limit.`;
      throw new Problem("too_many_keys", detail, { setting: "SKIFF_MAX_KEYS" });
    }
    const id = newKeyId();
    const text = newKeyText(id);
    const spec: KeySpec = { ...given, hash: hashOf(text).toString("hex") };
    return { stored: await this.#put(id, { spec, ifRevision: null }), text };
  }

  /** Undefined if there is none. */
  async get(id: string): Promise<StoredKey | undefined> {
    const declared = await this.#read(id);
    return declared && storedOf(declared);
  }

  /**
   * Reads a key again, because this process may not know yet what another manager has just written. What the table gets
   * during the read may be newer, such as a revocation, and stays then.
   */
  async refresh(id: string): Promise<void> {
    const { keys } = this.#options;
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      let isChanged = false;
      const stop = keys.watch((changed) => {
        isChanged ||= changed === id;
      });
      const declared = await this.#read(id).finally(stop);
      if (isChanged) continue;
      if (declared !== undefined) keys.set(id, declared.spec);
      return;
    }
  }

  /** In order of id, after the id `after`. */
  async list(page: { after?: string | undefined; limit: number }): Promise<StoredKey[]> {
    return (await this.#options.declarations.list(KEY_KIND, page)).map(storedOf);
  }

  /** @throws Problem `unknown_key`, `precondition_failed` */
  change(id: string, patch: KeyPatch, condition?: KeyCondition): Promise<StoredKey> {
    const change = (spec: KeySpec) => withoutNulls({ ...spec, ...patch }) as unknown as KeySpec;
    return this.#update(id, change, condition);
  }

  /**
   * Gives a key a new secret. The one before stays valid for `overlapMs`; an older one ends at once.
   * @throws Problem `unknown_key`, `precondition_failed`
   */
  async rotate(
    id: string,
    overlapMs: number,
    condition?: KeyCondition,
  ): Promise<{ stored: StoredKey; text: string }> {
    const text = newKeyText(id);
    const change = ({ previous: _, ...spec }: KeySpec): KeySpec => {
      const nowMs = this.#options.now();
      const until = new Date(nowMs + overlapMs).toISOString();
      const previous = overlapMs > 0 ? { previous: { hash: spec.hash, until } } : {};
      const hash = hashOf(text).toString("hex");
      return { ...spec, ...previous, hash, rotatedAt: new Date(nowMs).toISOString() };
    };
    return { stored: await this.#update(id, change, condition), text };
  }

  /**
   * False if there was no such key.
   * @throws Problem `precondition_failed`
   */
  async revoke(id: string, condition?: KeyCondition): Promise<boolean> {
    if (!isId(id)) return false;
    const { declarations, keys } = this.#options;
    const isAny = condition === undefined || condition === "*";
    const declared = isAny ? undefined : await this.#read(id);
    if (!isAny && declared === undefined) return false;
    if (declared !== undefined) checkRevision(declared, condition);
    const isRemoved = await declarations.remove(KEY_KIND, id, { ifRevision: declared?.revision });
    if (isRemoved) keys.set(id, undefined);
    return isRemoved;
  }

  async #update(id: string, change: (spec: KeySpec) => KeySpec, condition: KeyCondition): Promise<StoredKey> {
    for (let attempt = 1; ; attempt++) {
      const declared = await this.#read(id);
      if (declared === undefined) throw unknownKey(id);
      checkRevision(declared, condition);
      const { spec } = storedOf(declared);
      if (spec === undefined) {
        const detail = `What is stored of the key ${id} is not valid: revoke it with DELETE /key/${id}.`;
        throw new Problem("invalid_declaration", detail);
      }
      try {
        return await this.#put(id, { spec: change(spec), ifRevision: declared.revision });
      } catch (error) {
        const isRaced = error instanceof Problem && error.code === "precondition_failed";
        if (!isRaced || attempt === TRIES) throw error;
      }
    }
  }

  async #put(id: string, next: { spec: KeySpec; ifRevision: string | null }): Promise<StoredKey> {
    const { declarations, keys } = this.#options;
    const declared = await declarations.put(KEY_KIND, id, next);
    // Not only when the watch says so: the caller may use the key at once.
    keys.set(id, declared.spec);
    return storedOf(declared);
  }

  async #read(id: string): Promise<Declared | undefined> {
    return isId(id) ? await this.#options.declarations.get(KEY_KIND, id) : undefined;
  }
}

/** @throws Problem `precondition_failed` */
function checkRevision({ name, revision }: Declared, condition: KeyCondition): void {
  if (condition === undefined || condition === "*" || condition.includes(revision)) return;
  throw preconditionFailed(`The key "${name}"`, condition.join(", "));
}

function storedOf({ name: id, spec, revision, createdAt, updatedAt }: Declared): StoredKey {
  try {
    return { id, spec: checkKeySpec(spec), revision, createdAt, updatedAt };
  } catch {
    // Somebody applied it to the cluster; it is listed, and says that it does not work.
    return { id, spec: undefined, revision, createdAt, updatedAt };
  }
}

/** A name of a declaration, also one that somebody applied to the cluster. */
function isId(text: string): boolean {
  return /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text);
}

function withoutNulls(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== null && value !== undefined),
  );
}
