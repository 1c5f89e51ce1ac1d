/** Rounds a duration to three digits, because durations are known within 10 %. */
export function rounded(ms: number): number {
  return Number(ms.toPrecision(3));
}
