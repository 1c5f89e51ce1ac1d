import type { Resource } from "../cluster/resources.ts";
import { LABELS } from "./names.ts";

/** Objects by the function that their label names. */
export class ObjectsByFunction<T extends Resource> {
  readonly #byFunction = new Map<string, Map<string, T>>();
  readonly #functionOf = new Map<string, string>();

  of(name: string): Iterable<T> {
    return this.#byFunction.get(name)?.values() ?? [];
  }

  /** Stores what is there under `key` now, undefined for nothing; returns the function it belongs or belonged to. */
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
