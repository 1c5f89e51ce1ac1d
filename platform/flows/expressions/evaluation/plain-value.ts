import { MOST_LEVELS, TOO_DEEP } from "../../run/values/depth.ts";
import { ExpressionFault, TooCostly } from "../fault.ts";
import type { Meter } from "./meter.ts";
import { Duration, Optional, type Value, type ValueMap } from "./values.ts";

/** Characters of the JSON text that a value would have, about. A little more than the longest output of a step. */
const MAX_WEIGHT = 32 * 1024 * 1024;
/** A value of this weight is worth to be remembered. */
const MUCH = 1_000;

/** To look at a value takes as long as about two parts of an expression. */
const COST = 2;

export interface Walked {
  readonly meter: Meter;
  /** Large values that were walked before. JSON never changes. */
  readonly known: WeakMap<object, Shape>;
}

/** Its weight, and how deep it is nested. */
export interface Shape {
  readonly weight: number;
  readonly levels: number;
}

/**
 * The value as JSON: timestamps as ISO 8601, durations as `90s`, an empty optional value as null. Maps and lists without such values stay
 * the same objects. An expression can make a small graph of lists whose text would be endless (`[a, a]`, again and again): the
 * weight of the whole is bounded, and so is the walk.
 */
export function plainValue(value: Value, walked: Walked): unknown {
  const walk = new Walk(walked);
  const plain = walk.plain(value);
  walked.meter.note(walk.values * COST);
  return plain;
}

class Walk {
  readonly #walked: Walked;
  /** Looked at. */
  values = 0;
  #weight = 0;
  #levels = 0;
  #deepest = 0;

  constructor(walked: Walked) {
    this.#walked = walked;
  }

  plain(value: Value): unknown {
    this.values++;
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
        return value === null ? null : this.#remembered(value);
      default:
        throw new ExpressionFault(`A ${typeof value} is no value of an expression.`);
    }
  }

  #remembered(value: object): unknown {
    const { known } = this.#walked;
    const found = known.get(value);
    if (found === undefined) return this.#deeper(value);
    this.#reach(this.#levels + found.levels);
    this.#add(found.weight);
    return value;
  }

  #deeper(value: object): unknown {
    const [weight, deepest] = [this.#weight, this.#deepest];
    this.#deepest = 0;
    this.#reach(++this.#levels);
    const plain = this.#plainObject(value);
    const shape = { weight: this.#weight - weight, levels: this.#deepest - --this.#levels };
    this.#deepest = Math.max(deepest, this.#deepest);
    if (plain === value && shape.weight >= MUCH) this.#walked.known.set(value, shape);
    return plain;
  }

  #reach(level: number): void {
    if (level > MOST_LEVELS) throw new TooCostly(`The expression makes a value that is ${TOO_DEEP}.`);
    this.#deepest = Math.max(this.#deepest, level);
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
