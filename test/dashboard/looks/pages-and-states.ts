import type { Page } from "playwright-core";

/** A page, with a text that it shows when it is complete, and what is done on it first. */
export interface State {
  readonly path: string;
  readonly text: string | RegExp;
  readonly open?: (page: Page) => Promise<unknown>;
}

const state = (path: string, text: string | RegExp, open?: State["open"]): State => {
  return { path, text, ...(open === undefined ? {} : { open }) };
};

const click = (name: string | RegExp) => (page: Page) =>
  page.locator("main").getByRole("button", { name, exact: true }).first().click();

/** Of an installation without anything. */
export const EMPTY: readonly State[] = [
  state("/", "Deploy the first function"),
  state("/flows", "No flow yet"),
  state("/runs", "No run"),
  state("/repositories", "No repository yet"),
  state("/secrets", "No secret yet"),
  state("/calls", "No asynchronous call"),
  state("/topics", "No topic yet"),
  state("/schedules", "No schedule yet"),
  state("/usage", "No call in this range"),
];

export interface Ids {
  readonly dead: string;
  readonly waiting: string;
  readonly failed: string;
}

/** Every page with data. */
export function pages({ dead, waiting, failed }: Ids): readonly State[] {
  const part = (path: string, text: string | RegExp) => state(`/functions/hello${path}`, text);
  return [
    state("/", "Failing"),
    state("/new", "Begin with"),
    part("", "Last failures"),
    part("/code", "No changes"),
    part("/try", "Send the request to see the answer here."),
    part("/versions", "Kept versions"),
    part("/git", "Commits"),
    part("/logs", "it is broken"),
    part("/metrics", "Calls per second"),
    part("/settings", "Environment"),
    part("/secrets", "Variables with secret values"),
    part("/access", "Who may call it"),
    part("/schedules", "Schedules"),
    state("/repositories", "hello"),
    state("/repositories/hello", "Branch that deploys"),
    state("/secrets", "db-password"),
    state("/calls", "dead"),
    state(`/calls/${dead}`, "Error: it is broken"),
    state(`/trace/${dead}`, "Where the time went"),
    state("/topics", /^orders$/),
    state("/topics/orders", "Groups"),
    state("/subscriptions/stock", "Dead deliveries"),
    state("/schedules", "nightly"),
    state("/schedules/nightly", "Next times"),
    state("/commands", "The output appears here"),
    state("/usage", "GB-seconds"),
    state("/audit", "When"),
    state("/keys", "Scopes"),
    state("/system", "healthy"),
    state("/flows", "order"),
    state("/flows/order", "Triggers"),
    state("/flows/order/edit", "version 1"),
    state("/flows/new", "No step yet"),
    state("/runs", "waiting"),
    state(`/flows/order/runs/${waiting}`, "Approve"),
    state(`/flows/order/runs/${failed}`, /code\/main\.ts:2/),
  ];
}

const NOBODY = "00000000-0000-4000-8000-000000000000";

/** What has no such name or id. */
export const MISSING: readonly State[] = [
  state("/nothing", "No page has this address"),
  state("/functions/gone", "No function has this name"),
  state("/functions/gone/code", "No function has this name"),
  state("/calls/gone", "Call"),
  state(`/trace/${NOBODY}`, "Nothing is known of this call"),
  state("/topics/gone", "gone"),
  state("/subscriptions/gone", "gone"),
  state("/schedules/gone", "gone"),
  state("/flows/gone", "gone"),
  state(`/flows/order/runs/${NOBODY}`, "Run of order"),
  state("/repositories/gone", "gone"),
];

const dialog = (path: string, button: string | RegExp, text: string | RegExp) =>
  state(path, text, click(button));

/** With a dialog, a menu or the palette above the page. */
export const OPEN: readonly State[] = [
  state("/", "New function", (page) => page.keyboard.press("Control+k")),
  dialog("/topics", "New topic", "Cancel"),
  dialog("/topics", "New subscription", "Cancel"),
  dialog("/topics/orders", "Delete", "Cancel"),
  dialog("/subscriptions/stock", "Replay…", "Cancel"),
  dialog("/schedules", "New schedule", "Cancel"),
  dialog("/secrets", "New secret", "Cancel"),
  dialog("/keys", "New key", "Cancel"),
  dialog("/functions/hello", "Delete", "Cancel"),
  dialog("/functions/hello/versions", "Roll back", "Cancel"),
  dialog("/functions/hello/secrets", "Use a secret", "Cancel"),
  dialog("/flows/order", "Run", "Cancel"),
  dialog("/flows/order/edit", "More", "Discard changes"),
];
