import { checkFunctionName, isFunctionName } from "../../platform/function-name.ts";
import type { ImageSource } from "../../platform/images/images.ts";
import { describeEach } from "../../platform/listing/pages.ts";
import type { FunctionDescription, FunctionSummary, Page, Platform } from "../../platform/platform.ts";
import { unknownFunction } from "../../platform/problems.ts";
import { placingOf } from "../../platform/settings/runtime.ts";
import { readImageSource } from "../../runtimes/image/image-artifact.ts";
import { answerJson } from "./answer.ts";
import { cursorFromName, nameFromCursor } from "./cursor.ts";
import { activityOf } from "./describe/activity.ts";
import { stateOf } from "./describe/function-state.ts";
import { historyOf, lastDeploys } from "./describe/history.ts";
import { oneOf, readParameters, wholeNumber } from "./read-query.ts";
import { baseUrl, type Handler, type Services } from "./services.ts";
import { shownSettings } from "./shown-settings.ts";
import { readPrecondition } from "./versions/read-options.ts";

/**
 * `GET /func`: a page of functions in order of name. The cursor is the last name of the previous page. `detail=activity`
 * adds whether each can be called, and its last hour.
 */
export function listFunctions(services: Services): Handler {
  const { platform, limits } = services;
  const readers = {
    limit: wholeNumber(1, limits.pageSize, limits.pageSize),
    cursor: nameFromCursor(isFunctionName),
    detail: oneOf(["activity"] as const),
  };
  return async (ctx) => {
    const { limit, cursor, detail } = readParameters(ctx, readers);
    // One more function shows whether there is a next page.
    const asked = { after: cursor, limit: limit + 1, names: ctx.state.principal.functions };
    const described = detail && (await platform.describePage(asked));
    const found = described ?? (await listVisible(platform, asked));
    const page = found.slice(0, limit);
    const activity = described && (await activityOf(services, page.filter(isDescribed), new Date()));
    const functions = page.map((each) => ({
      ...summaryDocument(each, baseUrl(services, ctx)),
      ...activity?.get(each.name),
    }));
    const next = found.length > limit ? cursorFromName(page.at(-1)!.name) : null;
    answerJson(ctx, { functions, next });
  };
}

/** Others are listed without their activity. */
function isDescribed(function_: FunctionSummary): function_ is FunctionDescription {
  return "settings" in function_;
}

/** A key that is for some functions sees no other. */
async function listVisible(
  platform: Platform,
  { names, ...page }: Page,
): Promise<readonly FunctionSummary[]> {
  return names === undefined ? await platform.list(page) : await describeEach(platform, { names, ...page });
}

/** `GET /func/NAME`: whether it can be called and why, settings, traffic, instances, and what happened last. */
export function describeFunction(services: Services): Handler {
  return async (ctx) => {
    const name = checkFunctionName(ctx.params.name);
    readParameters(ctx, {});
    const description = await services.platform.describe(name);
    if (description === undefined) throw unknownFunction(name);
    const { settings, traffic, sticky, guard, previous } = description;
    const { versions, instances, lastErrors, notReady, isolation } = description;
    const now = new Date();
    const [{ usedInMonth, ...history }, deploys, image] = await Promise.all([
      historyOf(services, description, now),
      lastDeploys(services, name),
      imageOf(services.platform, description),
    ]);
    ctx.set("etag", `"${description.version}"`);
    answerJson(ctx, {
      ...summaryDocument(description, baseUrl(services, ctx)),
      state: stateOf(description, usedInMonth, now),
      // The one that counts.
      settings: { ...shownSettings(settings), concurrency: placingOf(settings).concurrency },
      image,
      traffic,
      sticky,
      guard,
      previous,
      versions,
      instances,
      lastErrors,
      lastDeploys: deploys,
      ...history,
      isolation: isolation && { files: isolation.files, network: isolation.network },
      notReady,
    });
  };
}

/** The image of the current version; undefined for another source. */
async function imageOf(
  platform: Platform,
  { name, version, settings }: FunctionDescription,
): Promise<ImageSource | undefined> {
  if (settings.runtime !== "image") return undefined;
  const source = await platform.readSource(name, version);
  return source && readImageSource(source);
}

/** `DELETE /func/NAME`: answers when no call reaches the function and its name is free. */
export function removeFunction({ deploys, print }: Services): Handler {
  return async (ctx) => {
    const name = checkFunctionName(ctx.params.name);
    readParameters(ctx, {});
    if (!(await deploys.remove(name, readPrecondition(ctx)))) throw unknownFunction(name);
    print(`deleted ${name}`);
    answerJson(ctx, { success: true });
  };
}

/** Names every member, because the platform may add members that must stay secret. */
function summaryDocument(summary: FunctionSummary, base: string): Record<string, unknown> {
  const { name, version, hash, createdAt, updatedAt, ready } = summary;
  return { name, version, url: `${base}/fn/${name}`, createdAt, updatedAt, ready, hash };
}
