/** The state of an instance that decides whether a call is sent to it. */
export interface Choosable {
  /** Calls that it can take besides those that it has. */
  readonly free: number;
  readonly used: number;
  /** It refused a connection or broke a call off, and has answered no probe since: it gets no call. */
  readonly isDoubtful: boolean;
}

/** Up to this many instances are all compared; of more, two at random. */
const FEW = 8;

/**
 * Returns an instance with a free place, or undefined: of few the one with the fewest calls, of many the
 * better of two at random (Mitzenmacher, 2001), which is as even in practice, at the same cost for a thousand.
 */
export function chooseInstance<B extends Choosable>(
  ready: readonly B[],
  random: () => number = Math.random,
): B | undefined {
  return (ready.length > FEW ? betterOfTwo(ready, random) : undefined) ?? fewestCalls(ready);
}

function betterOfTwo<B extends Choosable>(ready: readonly B[], random: () => number): B | undefined {
  const first = Math.floor(random() * ready.length);
  // Any other one, with equal probability.
  const second = (first + 1 + Math.floor(random() * (ready.length - 1))) % ready.length;
  const [a, b] = [usable(ready[first]!), usable(ready[second]!)];
  if (a === undefined || b === undefined) return a ?? b;
  return b.used < a.used ? b : a;
}

function usable<B extends Choosable>(instance: B): B | undefined {
  return instance.free > 0 && !instance.isDoubtful ? instance : undefined;
}

function fewestCalls<B extends Choosable>(ready: readonly B[]): B | undefined {
  let best: B | undefined;
  for (const instance of ready) {
    if (usable(instance) !== undefined && (best === undefined || instance.used < best.used)) best = instance;
  }
  return best;
}
