import type { Script } from "./script.ts";

/** Returns the smallest script found for which `fails` still holds. */
export async function shrink(script: Script, fails: (script: Script) => Promise<boolean>): Promise<Script> {
  let best = script;
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const candidate of smaller(best)) {
      if (!(await fails(candidate))) continue;
      best = candidate;
      isSmaller = true;
      break;
    }
  }
  return best;
}

function* smaller(script: Script): Generator<Script> {
  const { bytes, cuts, gaps, isSlow, hasHost } = script;
  if (isSlow) yield { ...script, isSlow: false };
  if (hasHost) yield { ...script, hasHost: false };
  for (const i of cuts.keys()) {
    yield { ...script, cuts: cuts.toSpliced(i, 1), gaps: gaps.toSpliced(i + 1, 1) };
  }
  for (const [i, gap] of gaps.entries()) if (gap !== "none") yield { ...script, gaps: gaps.with(i, "none") };
  for (let count = bytes.length >> 1; count > 0; count >>= 1) {
    for (let at = 0; at + count <= bytes.length; at += count) yield without(script, at, count);
  }
}

function without(script: Script, at: number, count: number): Script {
  const bytes = script.bytes.slice(0, at) + script.bytes.slice(at + count);
  const move = (cut: number) => (cut <= at ? cut : Math.max(at, cut - count));
  const cuts: number[] = [];
  const gaps = [script.gaps[0]!];
  for (const [i, old] of script.cuts.entries()) {
    const cut = move(old);
    if (cut <= (cuts.at(-1) ?? 0) || cut >= bytes.length) continue;
    cuts.push(cut);
    gaps.push(script.gaps[i + 1]!);
  }
  return { ...script, bytes, cuts, gaps };
}
