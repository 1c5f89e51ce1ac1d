/**
 * How smooth a flow of 200 steps is while one of them is dragged: `node bench/dashboard/flow-canvas.ts [STEPS]` prints the times
 * between two frames, beside those of an empty page of the same browser in which the mouse moves in the same way.
 */
import type { Page } from "playwright-core";
import { startChromium } from "../../test/support/browser/chromium.ts";
import { startedSkiff } from "../../test/support/skiff/started-skiff.ts";

const [steps = "200"] = process.argv.slice(2);
const MOVES = 240;
const ROUNDS = 3;

/** Each step needs one before it, so that the graph is a tree. */
function flowOf(count: number): string {
  const lines = Array.from({ length: count }, (_, index) => {
    const needs = index === 0 ? "" : `, needs: [s${Math.floor((index - 1) / 3)}]`;
    return `  s${index}: { fn: check${needs} }`;
  });
  return `steps:\n${lines.join("\n")}\n`;
}

/** Moves the mouse in a circle around a place with the button down, and returns the times between frames. */
async function frames(page: Page, place: { readonly x: number; readonly y: number }): Promise<number[]> {
  await page.mouse.move(place.x, place.y);
  await page.mouse.down();
  await page.evaluate(`
    globalThis.frames = [];
    let last;
    const next = (now) => {
      if (last !== undefined) frames.push(now - last);
      last = now;
      if (frames !== undefined) requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  `);
  for (let move = 1; move <= MOVES; move++) {
    const angle = (move / 60) * 2 * Math.PI;
    await page.mouse.move(place.x + 80 * Math.sin(angle), place.y + 60 * (1 - Math.cos(angle)));
  }
  const found = await page.evaluate<number[]>(
    "(() => { const all = frames; frames = undefined; return all; })()",
  );
  await page.mouse.up();
  return found;
}

function report(what: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!.toFixed(1);
  const rate = (1_000 * times.length) / times.reduce((sum, each) => sum + each, 0);
  console.log(
    `${what}: ${rate.toFixed(1)} frames/s, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${at(1)} ms`,
  );
}

async function main(): Promise<void> {
  const skiff = await startedSkiff({ dashboardPort: 0 });
  const browser = await startChromium();
  try {
    const put = await fetch(`${skiff.url}/flow/many`, { method: "PUT", body: flowOf(Number(steps)) });
    if (!put.ok) throw new Error(await put.text());
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const empty = await context.newPage();
    const page = await context.newPage();
    await page.goto(skiff.dashboardUrl!);
    await page.locator("main h1").waitFor();
    await page.goto(`${new URL(skiff.dashboardUrl!).origin}/flows/many`);
    await page.locator(".react-flow__node").first().waitFor({ timeout: 30_000 });
    for (let round = 1; round <= ROUNDS; round++) {
      await empty.bringToFront();
      report("empty page", await frames(empty, { x: 640, y: 400 }));
      await page.bringToFront();
      const canvas = (await page.locator(".react-flow").boundingBox())!;
      const boxes = await Promise.all(
        (await page.locator(".react-flow__node").all()).map((node) => node.boundingBox()),
      );
      const inside = boxes.find(
        (box) => box !== null && box.x > canvas.x + 100 && box.x < canvas.x + canvas.width - 200,
      )!;
      report(
        `${steps} steps`,
        await frames(page, { x: inside!.x + inside!.width / 2, y: inside!.y + inside!.height / 2 }),
      );
    }
  } finally {
    await browser.close();
    await skiff.close();
  }
}

await main();
process.exit(0);
