import type { Steps } from "./definition.ts";

/** `to` is decided once `from` has ended. */
export interface Link {
  readonly from: string;
  readonly to: string;
  /** `catch`: `from` may choose `to` by the `then` of a rule. */
  readonly kind: "needs" | "else" | "catch";
  /** Of `catch`: what the rule catches; empty for any error. */
  readonly on?: readonly string[];
}

/** Returns the links between steps in the order of the text. Links to unknown steps are left out. */
export function linksOf(steps: Steps): readonly Link[] {
  const links = Object.entries(steps).flatMap(([name, step]): Link[] => [
    ...step.needs.map((from) => ({ from, to: name, kind: "needs" as const })),
    ...(step.else === undefined ? [] : [{ from: step.else, to: name, kind: "else" as const }]),
    ...step.catch.flatMap(({ then, on }) =>
      then === undefined ? [] : [{ from: name, to: then, kind: "catch" as const, on }],
    ),
  ]);
  return links.filter(({ from, to }) => Object.hasOwn(steps, from) && Object.hasOwn(steps, to));
}

/** How steps follow each other. */
export interface StepOrder {
  /** Each step after all that it follows. Steps of a circle, and what follows them, are left out. */
  readonly order: readonly string[];
  /** The steps of one circle, such as `a`, `b`; undefined if there is none. */
  readonly circle: readonly string[] | undefined;
  /** Returns the steps that have ended when this one is decided; none for one that is not in `order`. */
  before(name: string): readonly string[];
}

/** Orders steps by their links. Costs as much as there are links. */
export function orderOf(steps: Steps): StepOrder {
  const [next, previous] = [new Map<string, string[]>(), new Map<string, string[]>()];
  for (const name of Object.keys(steps)) {
    next.set(name, []);
    previous.set(name, []);
  }
  for (const { from, to } of linksOf(steps)) {
    next.get(from)!.push(to);
    previous.get(to)!.push(from);
  }
  const order = sorted(next, previous);
  const ancestors = ancestorsOf(order, previous);
  return { order, circle: circleOf(order, previous), before: (name) => ancestors(name) };
}

type Neighbours = ReadonlyMap<string, readonly string[]>;

function sorted(next: Neighbours, previous: Neighbours): readonly string[] {
  const missing = new Map([...previous].map(([name, names]) => [name, names.length]));
  const order = [...missing.keys()].filter((name) => missing.get(name) === 0);
  // The list grows while it is walked.
  for (const name of order) {
    for (const follower of next.get(name)!) {
      const left = missing.get(follower)! - 1;
      missing.set(follower, left);
      if (left === 0) order.push(follower);
    }
  }
  return order;
}

/** Each step that is left over follows another one of them, so that going back ends in a circle. */
function circleOf(order: readonly string[], previous: Neighbours): readonly string[] | undefined {
  const done = new Set(order);
  const path: string[] = [];
  const seen = new Map<string, number>();
  let name = [...previous.keys()].find((each) => !done.has(each));
  while (name !== undefined && !seen.has(name)) {
    seen.set(name, path.length);
    path.push(name);
    name = previous.get(name)!.find((each) => !done.has(each));
  }
  return name === undefined ? undefined : path.slice(seen.get(name)).reverse();
}

/** One row of bits for each step, so that many steps with many links stay cheap. */
function ancestorsOf(order: readonly string[], previous: Neighbours): (name: string) => readonly string[] {
  const numbers = new Map(order.map((name, number) => [name, number]));
  const words = Math.ceil(order.length / 32);
  const rows = order.map(() => new Uint32Array(words));
  for (const [number, name] of order.entries()) {
    const row = rows[number]!;
    for (const from of previous.get(name)!) {
      const before = numbers.get(from)!;
      const ancestors = rows[before]!;
      for (let word = 0; word < words; word++) row[word]! |= ancestors[word]!;
      row[before >>> 5]! |= 1 << (before & 31);
    }
  }
  return (name) => {
    const row = rows[numbers.get(name) ?? -1];
    return row === undefined ? [] : order.filter((_, number) => (row[number >>> 5]! >>> (number & 31)) & 1);
  };
}
