const DEFAULT_MS = 200;
const LONGEST_MS = 10_000;

/** Keeps a processor busy for `?ms=` milliseconds, to demonstrate scaling. Answers with the work done. */
export default (request: Request) => {
  const asked = Number(new URL(request.url).searchParams.get("ms") ?? DEFAULT_MS);
  const ms = Math.min(Math.max(asked || DEFAULT_MS, 1), LONGEST_MS);
  const end = performance.now() + ms;
  let rounds = 0;
  let value = 0.5;
  while (performance.now() < end) {
    for (let i = 0; i < 10_000; i++) value = Math.sin(value) + 1;
    rounds++;
  }
  return { ms, rounds };
};
