import { timingSafeEqual } from "node:crypto";
import { checkKeySpec, type Key, keyOf } from "./key.ts";
import { hashOf, keyIdOf } from "./key-text.ts";

/** A spec is undefined once its key is revoked. */
export type KeyListener = (id: string, spec: Readonly<Record<string, unknown>> | undefined) => void;

export type CheckedKey =
  | { readonly key: Key; readonly isExpired: boolean }
  /** No key has this text. */
  | undefined;

interface Entry {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly key: Key;
  readonly hash: Buffer;
  readonly expiresMs: number;
  readonly previous: { readonly hash: Buffer; readonly untilMs: number } | undefined;
}

const NO_HASH = Buffer.alloc(32);

/** All keys, in memory. Who calls a function is checked here, so nothing of it waits. */
export class KeyTable {
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<KeyListener>();

  /**
   * Applies the spec of a key; undefined revokes it. A key whose spec is not valid works no longer.
   * @returns why the spec is not valid; undefined if it is
   */
  set(id: string, spec: Readonly<Record<string, unknown>> | undefined): string | undefined {
    let fault: string | undefined;
    try {
      if (spec === undefined) this.#entries.delete(id);
      else this.#entries.set(id, entryOf(id, spec));
    } catch (error) {
      this.#entries.delete(id);
      fault = (error as Error).message;
    }
    for (const listener of this.#listeners) listener(id, this.#entries.get(id)?.spec);
    return fault;
  }

  /**
   * Finds the key with this text. Takes a few microseconds, and the same time for a wrong secret as for an unknown id.
   * @param nowMs the time of the clock, in milliseconds
   */
  check(text: string, nowMs: number): CheckedKey {
    const id = keyIdOf(text);
    if (id === undefined) return undefined;
    const given = hashOf(text);
    const entry = this.#entries.get(id);
    const isCurrent = timingSafeEqual(given, entry?.hash ?? NO_HASH);
    if (entry === undefined) return undefined;
    const { key, expiresMs, previous } = entry;
    if (isCurrent) return { key, isExpired: nowMs >= expiresMs };
    if (previous === undefined || !timingSafeEqual(given, previous.hash)) return undefined;
    return { key, isExpired: nowMs >= Math.min(expiresMs, previous.untilMs) };
  }

  /** Ids and specs of all valid keys. */
  *specs(): Iterable<readonly [id: string, spec: Readonly<Record<string, unknown>>]> {
    for (const [id, { spec }] of this.#entries) yield [id, spec];
  }

  /** Calls `listener` after every change. Returns the way to stop. */
  watch(listener: KeyListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

function entryOf(id: string, given: Readonly<Record<string, unknown>>): Entry {
  const spec = checkKeySpec(given);
  const key = keyOf(id, spec);
  const { hash, previous } = spec;
  return {
    spec: given,
    key,
    hash: Buffer.from(hash, "hex"),
    expiresMs: key.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
    previous: previous && { hash: Buffer.from(previous.hash, "hex"), untilMs: Date.parse(previous.until) },
  };
}
