import type { Page } from "playwright-core";

const TYPED = "schedules and flows and functions and keys ";

/** Types with the keyboard, and returns the times from each key event to the end of the frame that shows it. */
export async function typed(page: Page): Promise<number[]> {
  await page.evaluate(`
    if (globalThis.times === undefined)
      addEventListener("keydown", () => {
        const began = performance.now();
        // After the frame that has the change was drawn.
        requestAnimationFrame(() => setTimeout(() => times.push(performance.now() - began)));
      }, { capture: true });
    globalThis.times = [];
  `);
  await page.keyboard.type(TYPED, { delay: 30 });
  // The policy of the page forbids the evaluation of a text in it.
  await page.waitForFunction(
    (count) => (globalThis as { times?: number[] }).times!.length >= count,
    TYPED.length,
  );
  return page.evaluate("times");
}

/** Prints median, 95th percentile and worst, and returns the median. */
export function reportKeys(what: string, times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
  const [p50, p95, worst] = [0.5, 0.95, 1].map((part) => at(part).toFixed(1));
  console.log(`${what}: key to paint p50 ${p50} ms, p95 ${p95} ms, worst ${worst} ms (target 50 ms)`);
  return at(0.5);
}
