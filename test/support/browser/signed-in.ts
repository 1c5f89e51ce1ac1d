import assert from "node:assert/strict";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { type StartedSkiff, type StartOptions, startedSkiff } from "../skiff/started-skiff.ts";
import { startChromium } from "./chromium.ts";

/** The machine of the tests may be busy. */
const DEADLINE_MS = 30_000;
/** Chromium takes its language from the environment, where it may be none that a browser has. */
const PLACE = { viewport: { width: 1280, height: 900 }, locale: "en-GB" };
/** The width of a phone. */
export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } as const;

export interface Dashboard {
  readonly skiff: StartedSkiff;
  /** Such as `http://127.0.0.1:41234`. */
  readonly origin: string;
  /** A key with every scope. */
  readonly key: string;
  /** Opens a page in a browser context of its own, signed in. Waits for its heading. */
  open(path: string, options?: OpenOptions): Promise<Page>;
  /** Ends the pages and Skiff. Fails if code of a page threw, or a page broke its own policy. */
  close(): Promise<void>;
}

export interface OpenOptions extends BrowserContextOptions {
  /** Signs in with another key than that with every scope. */
  readonly key?: string;
}

/** Starts Skiff with its dashboard and signs in. */
export async function signedInDashboard(options: StartOptions = {}): Promise<Dashboard> {
  const skiff = await startedSkiff({ dashboardPort: 0, ...options });
  const { origin, hash } = new URL(skiff.dashboardUrl!);
  const login = new URLSearchParams(hash.slice(1)).get("login");
  const session = await fetch(`${origin}/session`, { method: "POST", body: JSON.stringify({ login }) });
  const { key } = (await session.json()) as { key: string };
  let starting: Promise<Browser> | undefined;
  const contexts: BrowserContext[] = [];
  const faults: string[] = [];
  return {
    ...{ skiff, origin, key },
    async open(path, { key: other = key, ...contextOptions } = {}) {
      starting ??= startChromium();
      const browser = await starting;
      const context = await browser.newContext({ ...PLACE, ...contextOptions });
      contexts.push(context);
      context.setDefaultTimeout(DEADLINE_MS);
      const page = await context.newPage();
      page.on("pageerror", (error) => faults.push(`${path}: ${error.stack ?? error.message}`));
      page.on("console", (message) => {
        if (/content security policy/i.test(message.text())) faults.push(`${path}: ${message.text()}`);
      });
      // The first request builds the page.
      await page.goto(`${origin}${path}#key=${other}`, { timeout: 4 * DEADLINE_MS });
      await page.locator("main h1").filter({ hasNotText: "Loading…" }).first().waitFor();
      return page;
    },
    async close() {
      for (const context of contexts) {
        await context.close();
      }
      await (await starting)?.close();
      await skiff.close();
      assert.deepEqual(faults, []);
    },
  };
}
