/** A real Chromium for tests. */
import { existsSync } from "node:fs";
import { arch, platform } from "node:os";
import type { Context } from "mocha";
import type { Browser } from "playwright-core";
import { notTried } from "../not-tried.ts";

/**
 * Of the package, not used here. Without its policies a page of another origin could read the dashboard, and a browser of one
 * process ends with the first context that is closed.
 */
const LEFT_OUT = [
  "--single-process",
  "--no-zygote",
  "--disable-web-security",
  "--allow-running-insecure-content",
  "--disable-site-isolation-trials",
  "--disable-features=AudioServiceOutOfProcess,IsolateOrigins,site-per-process",
];

/** Skips a test where no browser can be started. `CHROMIUM` may name one. */
export function needsBrowser(test: Context): void {
  const reason = whyNoBrowser();
  if (reason !== undefined) notTried(test, reason);
}

function whyNoBrowser(): string | undefined {
  const { CHROMIUM } = process.env;
  if (CHROMIUM) return existsSync(CHROMIUM) ? undefined : `CHROMIUM=${CHROMIUM} does not exist`;
  if (platform() === "linux" && arch() === "x64") return undefined;
  return "the browser of the tests is for Linux on x64: set CHROMIUM to one of this machine";
}

/** Starts a browser, which its owner closes: an open one costs other tests a third of a core. Each site has a process of its own. */
export async function startChromium(): Promise<Browser> {
  const { chromium: driver } = await import("playwright-core");
  const { default: packed } = await import("@sparticuz/chromium");
  const executablePath = process.env.CHROMIUM || (await packed.executablePath());
  const own = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ];
  const args = packed.args.filter((arg) => !LEFT_OUT.includes(arg));
  return await driver.launch({ executablePath, args: [...args, ...own] });
}
