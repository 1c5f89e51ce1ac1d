import { deepEqual, equal } from "node:assert/strict";
import { GuardedHistory } from "../../../dashboard/web/leaving/history.ts";

/** A tab with a history of its own, as a browser has it. */
function tab(start: string) {
  const entries: { readonly path: string; readonly hash?: string; at?: number }[] = [{ path: start }];
  let current = 0;
  let isNeeded = false;
  let leave: (() => void) | undefined;
  const shown: string[] = [];
  const moves: number[] = [];
  const history = new GuardedHistory(
    {
      path: () => entries[current]!.path,
      address: () => `${entries[current]!.path}${entries[current]!.hash ?? ""}`,
      at: () => entries[current]!.at,
      number: (at) => {
        entries[current]!.at = at;
      },
      push: (path, at, isReplacing) => {
        if (!isReplacing) entries.splice(++current);
        entries[current] = { path, at };
      },
      move: (by) => void moves.push(by),
    },
    {
      isNeeded: () => isNeeded,
      ask: (go) => {
        leave = go;
      },
      onPath: (path) => void shown.push(path),
    },
  );
  /** The person, or the page, goes back or forward. */
  const travel = (by: number) => {
    current += by;
    history.moved();
  };
  return {
    shown,
    go: (path: string) => history.go(path, path, false),
    /** A link to a part of the page, which the browser follows without the router. It keeps one entry for each address. */
    jump: (hash: string) => {
      const { path, hash: before } = entries[current]!;
      if (hash !== before) entries.splice(++current);
      entries[current] = { path, hash };
      history.moved();
    },
    travel,
    travelAsAsked: () => travel(moves.shift()!),
    change: (isChanged: boolean) => {
      isNeeded = isChanged;
    },
    answer: () => {
      const go = leave;
      leave = undefined;
      return go;
    },
    path: () => entries[current]!.path,
  };
}

describe("the way between pages", () => {
  it("goes everywhere while nothing is changed", () => {
    const page = tab("/");
    page.go("/flows");
    page.go("/keys");
    page.travel(-2);
    page.travel(1);
    deepEqual(page.shown, ["/flows", "/keys", "/", "/flows"]);
    equal(page.answer(), undefined);
  });

  it("asks before a click loses changes, and stays or goes", () => {
    const page = tab("/");
    page.go("/functions/hello/settings");
    page.change(true);
    page.go("/keys");
    equal(page.path(), "/functions/hello/settings");
    const leave = page.answer()!;
    page.change(false);
    leave();
    deepEqual(page.shown, ["/functions/hello/settings", "/keys"]);
  });

  it("returns to the page before it asks, where the browser went back already", () => {
    const page = tab("/");
    page.go("/functions/hello/settings");
    page.change(true);
    page.travel(-1);
    equal(page.answer(), undefined);
    page.travelAsAsked();
    equal(page.path(), "/functions/hello/settings");
    // The form was there all the time.
    deepEqual(page.shown, ["/functions/hello/settings"]);
    const leave = page.answer()!;
    page.change(false);
    leave();
    page.travelAsAsked();
    deepEqual(page.shown, ["/functions/hello/settings", "/"]);
    page.travel(1);
    equal(page.shown.at(-1), "/functions/hello/settings");
  });

  it("finds the way back over links to parts of a page, which the router did not follow", () => {
    const page = tab("/");
    page.go("/keys");
    page.jump("#content");
    page.jump("#content");
    page.go("/functions/hello/settings");
    page.jump("#content");
    page.change(true);
    for (const by of [-4, -2]) {
      page.travel(by);
      page.travelAsAsked();
      equal(page.path(), "/functions/hello/settings");
      page.answer();
    }
    equal(page.shown.at(-1), "/functions/hello/settings");
    page.travel(-2);
    page.travelAsAsked();
    page.change(false);
    page.answer()!();
    page.travelAsAsked();
    equal(page.shown.at(-1), "/keys");
  });

  it("asks nothing for another part of the same page", () => {
    const page = tab("/calls");
    page.change(true);
    page.go("/calls");
    equal(page.answer(), undefined);
  });
});
