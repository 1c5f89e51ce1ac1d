import { deepEqual, equal, match } from "node:assert/strict";
import { obstacleTo } from "../../../dashboard/web/app/rights.ts";
import { rightsText } from "../../../dashboard/web/caller/rights-text.ts";
import type { Holder, Scope } from "../../../dashboard/web/session/session.ts";

const PAGES = ["/", "/new", "/functions/hello", "/calls", "/topics/orders", "/flows/f/runs/1", "/flows/new"];
const MORE = ["/commands", "/keys", "/audit", "/system", "/try/hello"];

function holder(scopes: readonly Scope[], functions?: readonly string[]): Holder {
  return { by: "key x", url: "http://127.0.0.1", scopes, ...(functions === undefined ? {} : { functions }) };
}

/** The pages that a key can use. */
function open(of: Holder): string[] {
  return [...PAGES, ...MORE].filter((path) => obstacleTo(path, of) === undefined);
}

describe("what a key can see in the dashboard", () => {
  it("is what its scopes allow", () => {
    deepEqual(open(holder(["admin"])), [...PAGES, ...MORE]);
    deepEqual(open(holder(["call"])), ["/", "/calls", "/flows/f/runs/1", "/try/hello"]);
    deepEqual(open(holder(["deploy"])), ["/", "/new", "/flows/new", "/try/hello"]);
    equal(open(holder(["read"])).includes("/new"), false);
    match(
      obstacleTo("/system", holder(["call"]))!,
      /^This page needs a key with the scope “read”, and yours has “call”\.$/,
    );
  });

  it("is what concerns some functions, for a key of those", () => {
    const limited = holder(["read", "deploy", "run"], ["hello"]);
    deepEqual(open(limited), [
      "/",
      "/new",
      "/functions/hello",
      "/calls",
      "/flows/f/runs/1",
      "/system",
      "/try/hello",
    ]);
    equal(
      obstacleTo("/secrets", limited),
      "This page concerns all functions, and your key is for hello alone.",
    );
  });

  it("is said in one sentence where nothing can be listed", () => {
    match(
      rightsText(holder(["call"], ["a", "b"])),
      /^Your key can call functions by their name, for a, b alone\./,
    );
    match(rightsText(holder(["run", "deploy"])), /^Your key can deploy functions and run commands\./);
    match(rightsText(holder([])), /has no scope/);
  });
});
