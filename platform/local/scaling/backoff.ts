const FIRST_MS = 200;
const LONGEST_MS = 10_000;
/** An instance that was ready for this long has proved that it works. */
export const HEALTHY_AFTER_MS = 10_000;

/** Wait before the next start after `failures` instances in a row broke: none after the first. */
export function backoffMs(failures: number): number {
  return failures <= 1 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 2));
}
