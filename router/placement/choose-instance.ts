/** The state of an instance that decides whether a call goes to it. */
export interface Choosable {
  /** Calls that it could take besides those that it has. */
  readonly free: number;
  readonly used: number;
  /** It refused a connection a moment ago. */
  readonly isAside: boolean;
  /** It broke a call off a moment ago and may be about to end: no call goes to it, even if it is the last one. */
  readonly isDoubtful: boolean;
}

/** Up to this many are compared one by one; of more, two at random. */
const FEW = 8;

/**
 * One with a free slot, or undefined: of few the one with the fewest calls, of many the better one of two at random
 * (Mitzenmacher, 2001), which is as even for practical purposes and costs the same for a thousand.
 */
export function chooseInstance<B extends Choosable>(
  ready: readonly B[],
  random: () => number = Math.random,
): B | undefined {
  return (ready.length > FEW ? betterOfTwo(ready, random) : undefined) ?? fewestCalls(ready);
}

function betterOfTwo<B extends Choosable>(ready: readonly B[], random: () => number): B | undefined {
  const first = Math.floor(random() * ready.length);
  // Another one, each as likely as the next.
  const second = (first + 1 + Math.floor(random() * (ready.length - 1))) % ready.length;
  const [a, b] = [usable(ready[first]!), usable(ready[second]!)];
  if (a === undefined || b === undefined) return a ?? b;
  return b.used < a.used ? b : a;
}

function usable<B extends Choosable>(instance: B): B | undefined {
  return instance.free > 0 && !instance.isAside && !instance.isDoubtful ? instance : undefined;
}

/** The last one is never set aside: when all that could take a call refused, the one with the fewest is tried again. */
function fewestCalls<B extends Choosable>(ready: readonly B[]): B | undefined {
  let best: B | undefined;
  let aside: B | undefined;
  let accepts = false;
  for (const instance of ready) {
    if (instance.isDoubtful) continue;
    const { free, used } = instance;
    if (instance.isAside) {
      if (free > 0 && (aside === undefined || used < aside.used)) aside = instance;
      continue;
    }
    // A call that ends here will make room.
    if (free > 0 || used > 0) accepts = true;
    if (free > 0 && (best === undefined || used < best.used)) best = instance;
  }
  return accepts ? best : aside;
}
