import { MOST_LEVELS, TOO_DEEP } from "../../run/values/depth.ts";
import { ExpressionFault, TooCostly } from "../fault.ts";
import { Duration, Optional, type Value, type ValueMap } from "./values.ts";

/** Characters of the JSON text that a value would have, about. A little more than the longest output of a step. */
const MAX_WEIGHT = 32 * 1024 * 1024;

/**
 * The value as JSON: timestamps as ISO 8601, durations as `90s`, an empty optional value as null. Maps and lists without such values stay
 * the same objects. An expression can make a small graph of lists whose text would be endless (`[a, a]`, again and again): the
 * weight of the whole is bounded, and so is the walk.
 */
export function plainValue(value: Value): unknown {
  return new Walk().plain(value);
}

class Walk {
  #weight = 0;
  #levels = 0;

  plain(value: Value): unknown {
    switch (typeof value) {
      case "string":
        this.#add(value.length + 3);
        return value;
      case "number":
        if (!Number.isFinite(value))
          throw new ExpressionFault("The result is too large for a number of JSON.");
        this.#add(5);
        return value;
      case "boolean":
        this.#add(5);
        return value;
      case "object":
        this.#add(5);
        return value === null ? null : this.#deeper(value);
      default:
        throw new ExpressionFault(`A ${typeof value} is no value of an expression.`);
    }
  }

  #deeper(value: object): unknown {
    if (++this.#levels > MOST_LEVELS)
      throw new TooCostly(`The expression makes a value that is ${TOO_DEEP}.`);
    const plain = this.#plainObject(value);
    this.#levels--;
    return plain;
  }

  #plainObject(value: object): unknown {
    if (Array.isArray(value)) return this.#plainList(value);
    if (value instanceof Date) return value.toISOString();
    if (value instanceof Duration) return value.toString();
    if (value instanceof Optional) return this.plain(value.value ?? null);
    return this.#plainMap(value as ValueMap);
  }

  #plainList(list: readonly Value[]): unknown {
    let changed: unknown[] | undefined;
    for (let index = 0; index < list.length; index++) {
      const item = this.plain(list[index]);
      if (item !== list[index]) changed ??= list.slice(0, index);
      changed?.push(item);
    }
    return changed ?? list;
  }

  #plainMap(map: ValueMap): unknown {
    let changed: Map<string, unknown> | undefined;
    for (const key of Object.keys(map)) {
      this.#add(key.length);
      const member = this.plain(map[key]);
      if (member !== map[key]) changed = (changed ?? new Map(Object.entries(map))).set(key, member);
    }
    return changed === undefined ? map : Object.fromEntries(changed);
  }

  #add(weight: number): void {
    this.#weight += weight;
    if (this.#weight > MAX_WEIGHT) {
      throw new TooCostly(
        "The expression makes a value of more than 32 MiB of JSON. Compute it in a function.",
      );
    }
  }
}
