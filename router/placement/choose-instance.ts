/** The state of an instance that decides whether a call is sent to it. */
export interface Choosable {
  /** Calls that it can take besides those that it has. */
  readonly free: number;
  readonly used: number;
  /** It refused a connection a moment ago. */
  readonly isAside: boolean;
  /** It broke a call off a moment ago and may be about to stop: it gets no call, even if it is the last. */
  readonly isSuspect: boolean;
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
  return instance.free > 0 && !instance.isAside && !instance.isSuspect ? instance : undefined;
}

/** If all that could take a call refused a connection, the one with the fewest calls is tried again. */
function fewestCalls<B extends Choosable>(ready: readonly B[]): B | undefined {
  let best: B | undefined;
  let aside: B | undefined;
  let accepts = false;
  for (const instance of ready) {
    if (instance.isSuspect) continue;
    const { free, used } = instance;
    if (instance.isAside) {
      if (free > 0 && (aside === undefined || used < aside.used)) aside = instance;
      continue;
    }
    // A call that ends here makes room.
    if (free > 0 || used > 0) accepts = true;
    if (free > 0 && (best === undefined || used < best.used)) best = instance;
  }
  return accepts ? best : aside;
}
