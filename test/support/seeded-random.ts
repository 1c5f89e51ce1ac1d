/** Repeats a run: its value is the seed that the run printed. */
const VARIABLE = "SKIFF_TEST_SEED";

/** The seed of a test that draws random numbers. Prints it, so that the run can be repeated. */
export function testSeed(): number {
  const given = process.env[VARIABLE];
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
  if (!Number.isInteger(seed)) throw new Error(`${VARIABLE}=${given} is not a whole number`);
  console.log(`      random numbers of ${VARIABLE}=${seed}`);
  return seed;
}

/** Numbers from 0 up to 1 (Mulberry32): the same ones for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
