const MOST_WORKERS = 64;

/** Parses a number of workers, 1 if `text` is empty. @throws Error with the name of the option or variable */
export function parseWorkers(name: string, text: string): number {
  const count = Number(text || "1");
  if (/^\d{0,2}$/.test(text) && count >= 1 && count <= MOST_WORKERS) return count;
  throw new Error(`${name} ${text} is not a valid number of workers: use 1 to ${MOST_WORKERS}.`);
}
