/** A real Chromium, started once for all tests of a process: each test has a context of its own. */
import { existsSync } from "node:fs";
import { arch, platform } from "node:os";
import type { Browser } from "playwright-core";

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
  // Not those of the package: one process for all ends with the first context, and its security is off.
  const args = [
    "--no-sandbox",
    "--disable-gpu",
    "--font-render-hinting=none",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  return await driver.launch({ executablePath, args });
}
