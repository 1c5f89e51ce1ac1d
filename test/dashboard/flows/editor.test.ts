import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { assertAccessible } from "../../support/browser/accessible.ts";
import { needsBrowser } from "../../support/browser/chromium.ts";
import { type Dashboard, signedInDashboard } from "../../support/browser/signed-in.ts";
import { eventually } from "../../support/eventually.ts";

const DEADLINE_MS = 15_000;

describe("the editor of flows", function () {
  this.timeout(90_000);
  let dashboard: Dashboard | undefined;
  let page: Page;
  const send = async (method: string, path: string, body?: string) => {
    const { skiff, key } = dashboard!;
    const response = await fetch(`${skiff.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}` },
      ...(body && { body }),
    });
    assert.ok(response.ok, `${method} ${path}: ${response.status}`);
    return response;
  };

  before(async function () {
    needsBrowser(this);
    dashboard = await signedInDashboard();
    await send(
      "POST",
      "/func?name=double",
      "export default async (request) => Response.json(2 * (await request.json()).n);",
    );
    // Fails once, with a status that is not retried.
    await send(
      "POST",
      "/func?name=flaky",
      "let calls = 0; export default () => calls++ === 0 ? new Response('not yet', { status: 409 }) : Response.json(calls);",
    );
  });

  // A page that is not looked at costs time all the same.
  afterEach(() => page?.close());

  after(() => dashboard?.close());

  it("builds, deploys and runs a flow of five steps by keyboard alone", async () => {
    page = await dashboard!.open("/flows/new");
    const keys = page.keyboard;
    await tabTo(page, "Name of the flow");
    await keys.type("five");
    await tabTo(page, "Find a function or an action");
    await keys.type("double");
    await keys.press("Enter");
    await focused(page, "double");
    await next(page, "double", "double_2");
    await tabTo(page, "Input");
    await keys.type('n: "${ steps.double.output }"');
    await tabTo(page, "Condition");
    await keys.type("steps.double.output > 1");
    await next(page, "wait for a time", "wait");
    await tabTo(page, "For");
    await keys.press("Control+A");
    await keys.type("10ms");
    await tabTo(page, "After (needs)");
    // The step waits for the first one too.
    await keys.press("d");
    await next(page, "flaky", "flaky");
    await next(page, "publish", "publish");
    await tabTo(page, "Name");
    await keys.press("Control+A");
    await keys.type("told");
    await keys.press("Enter");
    await tabTo(page, "Input");
    await keys.type("done: true");
    await tabTo(page, "Deploy", { back: true });
    await keys.press("Enter");
    await focused(page, "Message");
    await keys.type("Five steps");
    await keys.press("Enter");
    await page.waitForURL("**/flows/five/edit");
    const text = await (await send("GET", "/flow/five/source")).text();
    assert.equal(
      text,
      `# What begins runs is written under on:, what they do under steps:.
steps:
  double:
    fn: double
  double_2:
    fn: double
    needs: [double]
    if: steps.double.output > 1
    with: { n: "\${ steps.double.output }" }
  wait:
    wait: 10ms
    needs: [double_2, double]
  flaky:
    fn: flaky
    needs: [wait]
  told:
    publish: events
    needs: [flaky]
    with: { done: true }
`,
    );
    await tabTo(page, "Run");
    await keys.press("Enter");
    await tabTo(page, "Input (JSON)");
    await keys.press("Control+A");
    await keys.type('{"n": 4}');
    await tabTo(page, "Run");
    await keys.press("Enter");
    await page.waitForURL("**/flows/five/runs/*");
    await page.getByText("Failed at flaky").waitFor();
    await tabTo(page, "Retry from here");
    await keys.press("Enter");
    await page.locator(".badges", { hasText: "done" }).waitFor();
  });

  it("keeps text and canvas the same, with one history", async () => {
    const text = "# kept\nsteps:\n  a: { fn: double } # first\n  b: { fn: double, needs: [a] }\n";
    await send("PUT", "/flow/pair", text);
    page = await dashboard!.open("/flows/pair/edit");
    const shown = () => page.locator(".cm-content").innerText();
    await page.locator(".react-flow__node").nth(1).waitFor();
    await page.locator(".flow-outline button").nth(1).click();
    await assertAccessible(page);
    await page.getByRole("button", { name: "Do not wait for a" }).click();
    await eventually("the link is gone", async () => /b: \{ fn: double \}/.test(await shown()), DEADLINE_MS);
    assert.match(await shown(), /# kept[\s\S]*# first/);
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await eventually("the link is back", async () => /needs: \[a\]/.test(await shown()), DEADLINE_MS);
    await page.locator(".cm-content").click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type("  c: { fn: 1 }");
    // The fault is at the step, at the line and in the list.
    await page.locator(".cm-lintRange-error").first().waitFor();
    await page.getByRole("button", { name: "Line 5" }).waitFor();
    await page.locator(".react-flow__node .faulty").first().waitFor();
  });

  it("keeps a draft, and shows both texts when somebody else has deployed", async () => {
    await send("PUT", "/flow/shared", "steps:\n  a: { fn: double }\n");
    page = await dashboard!.open("/flows/shared/edit");
    await page.locator(".cm-content").click();
    await page.keyboard.press("Control+End");
    await page.keyboard.type("  mine: { fn: double }");
    await send("PUT", "/flow/shared", "steps:\n  a: { fn: double }\n  theirs: { fn: double }\n");
    await page.getByText("draft saved").waitFor();
    const next = await page.context().newPage();
    // The page gets no event of its end.
    await page.close();
    page = next;
    await page.goto(`${dashboard!.origin}/flows/shared/edit`);
    await page.getByText("A closed tab left a draft").waitFor();
    await page.getByRole("button", { name: "Restore it" }).click();
    await page.getByText("Your draft is back").waitFor();
    await page.keyboard.press("Control+S");
    await page.getByRole("dialog").getByRole("button", { name: "Deploy" }).click();
    await page.getByText("Somebody else deployed version 2").waitFor();
    await page.getByRole("button", { name: "Deploy mine on top" }).click();
    await page.getByText("Version 3 of shared is live.").waitFor();
    assert.match(await (await send("GET", "/flow/shared/source")).text(), /mine/);
  });

  it("tries a step with a sample", async () => {
    await send("PUT", "/flow/tried", 'steps:\n  a: { fn: double, with: { n: "${ input.count + 1 }" } }\n');
    page = await dashboard!.open("/flows/tried/edit");
    await page.locator(".flow-outline button").first().click();
    await page.getByRole("button", { name: "Test", exact: true }).click();
    await page.getByLabel("Input of the run").fill('{"count": 4}');
    await page.getByRole("button", { name: "Call the function" }).click();
    await page.getByRole("region", { name: "What the step sends" }).getByText('"n": 5').waitFor();
    await page.getByRole("region", { name: "Answer" }).getByText("10").waitFor();
    await page.getByRole("button", { name: "Close" }).click();
  });
});

/** Adds the step that follows the one whose form is open. */
async function next(page: Page, wanted: string, name: string): Promise<void> {
  await tabTo(page, "Next step", { back: true });
  await page.keyboard.press("Enter");
  await focused(page, "Find a function or an action");
  await page.keyboard.type(wanted);
  await page.keyboard.press("Enter");
  await focused(page, name);
}

/** Presses Tab until the control of this name has the focus. */
async function tabTo(page: Page, name: string, { back = false } = {}): Promise<void> {
  for (let count = 0; count < 80; count++) {
    await page.keyboard.press(back ? "Shift+Tab" : "Tab");
    if ((await focusedName(page)) === name) return;
    // Tab writes in the text; Escape leaves it.
    if (await page.evaluate("document.activeElement.closest('.cm-editor') !== null"))
      await page.keyboard.press("Escape");
  }
  assert.fail(`Tab does not lead to ${name}`);
}

async function focused(page: Page, name: string): Promise<void> {
  await eventually(`the focus is on ${name}`, async () => (await focusedName(page)) === name, DEADLINE_MS);
}

/** What a screen reader says of the element with the focus. */
function focusedName(page: Page): Promise<string> {
  return page.evaluate<string>(
    `(({ labels, ariaLabel, textContent }) => (ariaLabel ?? labels?.[0]?.textContent ?? textContent ?? "").trim())(document.activeElement)`,
  );
}
