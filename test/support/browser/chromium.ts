/** A real Chromium, started once for all tests of a process: each test has a context of its own. */
import { existsSync } from "node:fs";
import { arch, platform } from "node:os";
import type { Browser } from "playwright-core";

/**
 * Of the packed browser, which is made for small machines: with one process the end of a page can end the browser, and
 * pages of other origins are as close as those of one. The tests need the walls that people's browsers have.
 */
const NOT_WANTED = new Set([
  "--single-process",
  "--disable-web-security",
  "--allow-running-insecure-content",
  "--disable-site-isolation-trials",
]);

let starting: Promise<Browser> | undefined;

/** Why no browser can be started here; undefined where one can. `CHROMIUM` may name one. */
export function whyNoBrowser(): string | undefined {
  const { CHROMIUM } = process.env;
  if (CHROMIUM) return existsSync(CHROMIUM) ? undefined : `CHROMIUM=${CHROMIUM} does not exist`;
  if (platform() === "linux" && arch() === "x64") return undefined;
  return "the browser of the tests is for Linux on x64: set CHROMIUM to one of this machine";
}

/** The browser ends with the last test: see `after` in setup/close-browser.ts. */
export function chromium(): Promise<Browser> {
  starting ??= start();
  return starting;
}

export async function closeChromium(): Promise<void> {
  await (await starting)?.close();
  starting = undefined;
}

async function start(): Promise<Browser> {
  const { chromium: driver } = await import("playwright-core");
  const { default: packed } = await import("@sparticuz/chromium");
  const executablePath = process.env.CHROMIUM || (await packed.executablePath());
  const args = packed.args.filter((each) => !NOT_WANTED.has(each));
  const own = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  return await driver.launch({ executablePath, args: [...args, ...own] });
}
