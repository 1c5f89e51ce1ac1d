import { differenceOf } from "./comparison.ts";
import { type Change, type Lane, LoopbackLane, MemoryLane } from "./readers/lanes.ts";
import { drawScripts, type Script } from "./scripts/script.ts";
import { shrink } from "./scripts/shrink.ts";

/** Scripts that are played at once: in memory each has servers of its own, over sockets they share them. */
const IN_MEMORY = 16;
const OVER_SOCKETS = 8;
const LARGE_SHARE = { memory: 0.03, sockets: 0.2 };
/** Time to look for a smaller script with the same difference. */
const SHRINKING_MS = 10_000;

export interface FuzzOptions {
  readonly seed: number;
  readonly requests: number;
  readonly transport: "memory" | "sockets";
  readonly change?: Change;
}

export interface Played {
  readonly requests: number;
  readonly scripts: number;
}

interface Found {
  readonly script: Script;
  readonly cause?: unknown;
}

/** A difference between the readers, with all that it takes to see it again. */
export class Difference extends Error {
  constructor(difference: string, { seed, transport }: FuzzOptions, { script, cause }: Found) {
    const again = `SKIFF_FUZZ_SEED=${seed}, ${transport}; the script is ${JSON.stringify(script)}`;
    super(`The fast path differs from Node in ${difference}\n${again}`, { cause });
    this.name = "Difference";
  }
}

/** Plays random scripts. Rejects with the first difference. */
export async function fuzz(options: FuzzOptions): Promise<Played> {
  const { seed, requests, transport } = options;
  const played = { requests: 0, scripts: 0 };
  let drawn = 0;
  let isOver = false;
  const lanes: Lane[] = [];
  const work = async (lane: Lane) => {
    while (!isOver && played.requests < requests) {
      const scripts = drawScripts((seed * 1_000_003 + drawn++) % 2 ** 32, LARGE_SHARE[transport]);
      for (const script of scripts) {
        played.requests += script.requests;
        played.scripts++;
        await compare(script, lane, options);
      }
    }
  };
  if (transport === "sockets") {
    const lane = await LoopbackLane.open();
    lanes.push(...Array.from({ length: OVER_SOCKETS }, () => lane));
  } else lanes.push(...Array.from({ length: IN_MEMORY }, () => new MemoryLane()));
  try {
    await Promise.all(lanes.map(work));
  } finally {
    isOver = true;
    for (const lane of new Set(lanes)) await lane.close();
  }
  return played;
}

/** @throws Difference */
export async function compare(script: Script, lane: Lane, options: FuzzOptions): Promise<void> {
  const { change } = options;
  const find = async (each: Script) => {
    try {
      return differenceOf(each, ...(await lane.play(each, change)));
    } catch (cause) {
      throw new Difference(`an error: ${cause}`, options, { script: each, cause });
    }
  };
  const difference = await find(script);
  if (difference === undefined) return;
  const deadline = performance.now() + (change === undefined ? SHRINKING_MS : 0);
  const [kind] = difference.split(":", 1);
  const smallest = await shrink(script, async (each) => {
    return performance.now() < deadline && (await find(each))?.startsWith(`${kind}:`) === true;
  });
  throw new Difference((await find(smallest)) ?? difference, options, { script: smallest });
}
