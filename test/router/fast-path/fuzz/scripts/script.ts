import { Draw } from "./draw.ts";
import { drawRequest } from "./grammar.ts";
import { mutate, splice } from "./mutations.ts";
import type { Plan } from "./plan.ts";

/**
 * What happens before a part arrives: nothing, a turn of the event loop, whatever the readers can do with the bytes
 * so far (`settle`), or that and a check of the waiting connections.
 */
export type Gap = "none" | "turn" | "settle" | "check";
/** Ends of the client: none, when everything has settled, or with the last part. */
export type End = "open" | "fin" | "early fin" | "destroy";

/** All that a client does on one connection, and how it is answered. */
export interface Script {
  /** As Latin-1. */
  readonly bytes: string;
  readonly cuts: readonly number[];
  /** One before each part. */
  readonly gaps: readonly Gap[];
  readonly end: End;
  /** The client takes answers slowly. */
  readonly isSlow: boolean;
  /** A function has a host name, so that the fast path reads paths outside of `/fn`. */
  readonly hasHost: boolean;
  /** Seed of the answers. */
  readonly seed: number;
  /** What differs from the answers of the seed, by request. */
  readonly answers?: readonly Partial<Plan>[];
  /** Requests of which the bytes were made. */
  readonly requests: number;
}

/** Texts up to this length are cut at every position. */
const SHORT_BYTES = 200;
const GAPS: readonly Gap[] = ["none", "turn", "turn", "settle", "settle", "check"];
const ENDS: readonly End[] = ["open", "open", "open", "fin", "fin", "fin", "early fin", "destroy"];

/**
 * Draws one script, and rarely as many as a short text has positions for a cut.
 * @param largeShare probability of a body that is larger than a read
 */
export function drawScripts(seed: number, largeShare = 0.03): Script[] {
  const draw = new Draw(seed);
  const { bytes, requests, boundaries } = drawBytes(draw, largeShare);
  const rest = {
    end: draw.pick(ENDS),
    isSlow: draw.chance(0.2),
    hasHost: draw.chance(0.25),
    seed: draw.seed(),
  };
  const script = { bytes, requests, ...rest };
  if (bytes.length <= SHORT_BYTES && draw.chance(0.01)) return cutEverywhere(script, draw.pick(GAPS));
  const count = draw.chance(0.25) ? 0 : draw.between(1, 5);
  // Some clients wait for each answer before they go on.
  const waits = new Set(draw.chance(0.25) ? boundaries : []);
  const positions = new Set([...draw.times(count, () => drawCut(draw, bytes, boundaries)), ...waits]);
  const cuts = [...positions].filter((at) => at > 0 && at < bytes.length).sort((a, b) => a - b);
  const gap = draw.chance(0.7) ? draw.pick(GAPS) : undefined;
  const gaps = [0, ...cuts].map((at) => (waits.has(at) ? "settle" : (gap ?? draw.pick(GAPS))));
  // A body may take as long as two checks: one of them is at the end.
  const checkAt = draw.int(gaps.length);
  return [
    { ...script, cuts, gaps: gaps.map((each, i) => (each === "check" && i !== checkAt ? "settle" : each)) },
  ];
}

export function cutEverywhere(script: Omit<Script, "cuts" | "gaps">, gap: Gap): Script[] {
  return Array.from({ length: Math.max(0, script.bytes.length - 1) }, (_, i) => ({
    ...script,
    cuts: [i + 1],
    gaps: ["none", gap],
  }));
}

function drawBytes(draw: Draw, largeShare: number) {
  const count = draw.chance(0.4) ? 1 : draw.between(2, 6);
  const style = { largeShare, isPlain: draw.chance(0.6) };
  const mutatedShare = style.isPlain ? 0.04 : 0.15;
  const all: string[] = [];
  while (all.length < count) {
    const before = all.at(-1);
    if (before !== undefined && draw.chance(0.25)) all.push(before);
    else if (before !== undefined && draw.chance(0.05))
      all.push(splice(before, drawRequest(draw, style), draw));
    else {
      const request = drawRequest(draw, style);
      all.push(draw.chance(mutatedShare) ? mutate(request, draw) : request);
    }
  }
  const bytes = all.join("");
  let end = 0;
  const boundaries = all.map((each) => (end += each.length));
  return { bytes: draw.chance(mutatedShare / 2) ? mutate(bytes, draw) : bytes, requests: count, boundaries };
}

/** Most cuts are where parsers change their state: between two requests, behind a head, or at a line break. */
function drawCut(draw: Draw, bytes: string, boundaries: readonly number[]): number {
  if (draw.chance(0.2)) return draw.pick(boundaries);
  const at = draw.int(bytes.length);
  if (draw.chance(0.3)) return at;
  if (draw.chance(0.5)) {
    const headEnd = bytes.indexOf("\r\n\r\n", draw.chance(0.5) ? 0 : at);
    if (headEnd >= 0) return headEnd + 4 + draw.int(draw.pick([1, 10, 200]));
  }
  const lineAt = bytes.indexOf("\r\n", at);
  return lineAt < 0 ? at : lineAt + draw.int(4);
}
