import { isFunctionName } from "../../platform/function-name.ts";
import { Problem } from "../../platform/problems.ts";
import { answerJson } from "./answer.ts";
import { summaryDocument } from "./function-document.ts";
import { functionUrl } from "./function-url.ts";
import { readParameters, wholeNumber } from "./read-query.ts";
import type { Handler, Services } from "./services.ts";

/** `GET /func`: a page of functions in order of name. The cursor is the last name of the page before. */
export function listFunctions({ platform, limits, publicUrl }: Services): Handler {
  return async (ctx) => {
    const { limit: text, cursor } = readParameters(ctx, ["limit", "cursor"]);
    const limit = text === undefined ? limits.pageSize : wholeNumber("limit", text, [1, limits.pageSize]);
    const after = cursor === undefined ? undefined : nameFromCursor(cursor);
    // One more than asked for tells whether there is a next page.
    const found = await platform.list({ after, limit: limit + 1 });
    const page = found.slice(0, limit);
    const functions = page.map((each) => summaryDocument(each, functionUrl(ctx, publicUrl, each.name)));
    const next = found.length > limit ? cursorFromName(page.at(-1)!.name) : null;
    answerJson(ctx, { functions, next });
  };
}

function cursorFromName(name: string): string {
  return Buffer.from(name).toString("base64url");
}

function nameFromCursor(cursor: string): string {
  const name = Buffer.from(cursor, "base64url").toString();
  if (isFunctionName(name) && cursorFromName(name) === cursor) return name;
  throw new Problem("invalid_request", "The cursor is none that Skiff gave: take `next` of the page before.");
}
