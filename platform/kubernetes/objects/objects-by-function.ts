import type { Resource } from "../cluster/resources.ts";
import { LABELS } from "./names.ts";

/** Indexes objects by the function in their label. */
export class ObjectsByFunction<T extends Resource> {
  readonly #byFunction = new Map<string, Map<string, T>>();
  readonly #functionOf = new Map<string, string>();

  of(name: string): Iterable<T> {
    return this.#byFunction.get(name)?.values() ?? [];
  }

  /** Stores or, with undefined, deletes the object of `key`. Returns its function. */
  set(key: string, object: T | undefined): string | undefined {
    const name = object?.metadata.labels?.[LABELS.function] ?? this.#functionOf.get(key);
    if (name === undefined) return undefined;
    const objects = this.#byFunction.get(name) ?? new Map<string, T>();
    if (object) {
      this.#byFunction.set(name, objects.set(key, object));
      this.#functionOf.set(key, name);
      return name;
    }
    objects.delete(key);
    this.#functionOf.delete(key);
    if (objects.size === 0) this.#byFunction.delete(name);
    return name;
  }
}
