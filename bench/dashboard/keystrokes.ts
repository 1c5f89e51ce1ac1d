/**
 * From a key to its paint while a run page shows a step output of 5 MB: `node bench/dashboard/keystrokes.ts`. Types into the search
 * of the page, and into the code editor of a tab beside it in the same browser.
 */
import { startChromium } from "../../test/support/browser/chromium.ts";
import { startedSkiff } from "../../test/support/skiff/started-skiff.ts";
import { reportKeys, typed } from "./typing.ts";

const LARGE = `export default () =>
  Response.json(Array.from({ length: 50_000 }, (_, id) => ({ id, text: "a row of a large output, with words that nobody reads to their end" })));
`;
async function main(): Promise<void> {
  const skiff = await startedSkiff({ dashboardPort: 0 });
  const browser = await startChromium();
  try {
    await skiff.deploy("large", LARGE);
    await fetch(`${skiff.url}/flow/large`, { method: "PUT", body: "steps:\n  read: { fn: large }\n" });
    await fetch(`${skiff.url}/flow/large/run?wait=30s`, { method: "POST", body: "{}" });
    const { runs } = (await (await fetch(`${skiff.url}/flow/large/run`)).json()) as {
      runs: { id: string }[];
    };
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    context.setDefaultTimeout(30_000);
    const origin = new URL(skiff.dashboardUrl!).origin;
    const page = await context.newPage();
    await page.goto(skiff.dashboardUrl!);
    await page.locator("main h1").waitFor();
    await page.goto(`${origin}/flows/large/runs/${runs[0]!.id}`);
    await page.getByRole("button", { name: "Show its beginning" }).click();
    await page.getByText("a row of a large output").first().waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").waitFor();
    reportKeys("search beside 5 MB", await typed(page));
    const editor = await context.newPage();
    await editor.goto(`${origin}/functions/large/code`);
    await editor.locator(".cm-content").first().click();
    reportKeys("code editor", await typed(editor));
  } finally {
    await browser.close();
    await skiff.close();
  }
}

await main();
process.exit(0);
