import type { Traffic } from "./platform.ts";

/**
 * Chooses the version for every call with the same value, by weighted rendezvous hashing: each version draws a score from
 * the value and its own number, and the highest takes the call. A change of weights moves only the callers that it must,
 * and no router keeps state.
 */
export function chooseSticky(traffic: Traffic, value: string): number | undefined {
  const seed = hashOf(value);
  let chosen: number | undefined;
  let best = -1;
  for (const { version, weight } of traffic) {
    // From 0 to 1, without either.
    const draw = (mixed(seed ^ mixed(version)) + 0.5) / 2 ** 32;
    // The largest of such scores is that of a version as often as its weight says.
    const score = weight / -Math.log(draw);
    if (score <= best) continue;
    best = score;
    chosen = version;
  }
  return chosen;
}

/** FNV-1a over UTF-16 code units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The finalizer of MurmurHash3: every bit of the input changes half of the output. */
function mixed(input: number): number {
  let hash = input;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
