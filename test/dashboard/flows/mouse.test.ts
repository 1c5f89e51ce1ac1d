import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { needsBrowser } from "../../support/browser/chromium.ts";
import { type Dashboard, signedInDashboard } from "../../support/browser/signed-in.ts";
import { eventually } from "../../support/eventually.ts";

const DOUBLE = "export default async (request) => Response.json(2 * (await request.json()).n);";
/** Fails once, with a status that is not retried. */
const FLAKY =
  "let calls = 0; export default () => calls++ === 0 ? new Response('not yet', { status: 409 }) : Response.json(calls);";

describe("the editor of flows, by mouse", function () {
  this.timeout(90_000);
  let dashboard: Dashboard | undefined;

  before(async function () {
    needsBrowser(this);
    dashboard = await signedInDashboard();
    for (const [name, source] of Object.entries({ double: DOUBLE, flaky: FLAKY })) {
      const { status, body } = await dashboard.skiff.deploy(name, source);
      assert.equal(status, 201, JSON.stringify(body));
    }
  });

  after(() => dashboard?.close());

  it("builds a flow of five steps, deploys and runs it, and retries the step that failed", async () => {
    const { open, skiff } = dashboard!;
    const page = await open("/flows/new");
    await page.getByLabel("Name of the flow").click();
    await page.keyboard.type("mouse");
    // The first one on the empty canvas, the others on the step that they follow.
    await drag(page, "double function");
    await drag(page, "Wait for a time", "double");
    await drag(page, "flaky function", "wait");
    await drag(page, "Publish an event to a topic");
    await connect(page, "flaky", "publish");
    const link = page.locator('[data-id="needs flaky publish"]');
    const place = (await link.boundingBox())!;
    await page.mouse.click(place.x + place.width / 2, place.y + place.height / 2);
    await page.keyboard.press("Delete");
    await link.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await link.focus();
    await page.locator('[data-id="needs flaky publish"]:focus').waitFor({ state: "attached" });
    await page.keyboard.press("Enter");
    await page.keyboard.press("Delete");
    await link.waitFor({ state: "detached" });
    await connect(page, "flaky", "publish");
    await drag(page, "double function", "publish");
    await page.locator('[data-id="double_2"]').click();
    await page.getByLabel("Input", { exact: true }).click();
    await page.keyboard.type("n: 3");
    await page.locator('[data-id="wait"]').click();
    await page.getByRole("heading", { name: "wait", exact: true }).waitFor();
    await page.getByLabel("For", { exact: true }).fill("10ms");
    await page.locator(".react-flow__pane").click({ position: { x: 8, y: 8 } });
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Deploy", exact: true }).click();
    await page.waitForURL("**/flows/mouse/edit");
    assert.equal(
      await (await fetch(`${skiff.url}/flow/mouse/source`)).text(),
      `# What begins runs is written under on:, what they do under steps:.
steps:
  double:
    fn: double
  wait:
    wait: 10ms
    needs: [double]
  flaky:
    fn: flaky
    needs: [wait]
  publish:
    publish: events
    needs: [flaky]
  double_2:
    fn: double
    needs: [publish]
    with: { n: 3 }
`,
    );
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByLabel("Input (JSON)").fill('{"n": 4}');
    await page.getByRole("dialog").getByRole("button", { name: "Run", exact: true }).click();
    await page.getByText("Failed at flaky").waitFor();
    await page.locator('[data-id="flaky"]').click();
    await page.getByRole("button", { name: "Retry from here" }).click();
    await page.locator('[data-id="double_2"] .badge', { hasText: "done" }).waitFor();
    await page.locator("header .badge", { hasText: "done" }).waitFor();
  });
});

/** Drags an entry of the palette onto a step, or onto the corner of the canvas, where no step is. */
async function drag(page: Page, entry: string, onto?: string): Promise<void> {
  const back = page.locator(".inspector").getByRole("button", { name: "Steps", exact: true });
  if ((await page.locator(".step-palette").count()) === 0) await back.click();
  const nodes = page.locator(".react-flow__node");
  const before = await nodes.count();
  const from = page.locator(".step-palette").getByRole("button", { name: entry, exact: true });
  if (onto === undefined)
    await from.dragTo(page.locator(".react-flow__pane"), { targetPosition: { x: 12, y: 12 } });
  else await from.dragTo(page.locator(`[data-id="${onto}"]`));
  await eventually(`a step by ${entry}`, async () => (await nodes.count()) > before);
}

/** Drags a line from the lower handle of a step to the upper one of another. */
async function connect(page: Page, from: string, to: string): Promise<void> {
  const source = page.locator(`[data-id="${from}"] .react-flow__handle.source`);
  await source.hover();
  await page.mouse.down();
  await page.locator(`[data-id="${to}"] .react-flow__handle.target`).hover();
  await page.mouse.up();
  await page.locator(`[data-id="needs ${from} ${to}"]`).waitFor({ state: "attached" });
}
