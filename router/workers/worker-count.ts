const MOST = 64;
const MOST_BY_DEFAULT = 8;

/** Half of the cores: functions need the others more. */
export function defaultWorkers(cores: number): number {
  return Math.min(MOST_BY_DEFAULT, Math.max(1, Math.floor(cores / 2)));
}

/**
 * Undefined if `text` is empty.
 * @throws Error naming the option or variable whose value cannot be read
 */
export function parseWorkers(name: string, text: string): number | undefined {
  if (text === "") return undefined;
  const count = Number(text);
  if (/^\d{1,2}$/.test(text) && count >= 1 && count <= MOST) return count;
  throw new Error(`${name} ${text} is no number of workers: give a number from 1 to ${MOST}.`);
}
