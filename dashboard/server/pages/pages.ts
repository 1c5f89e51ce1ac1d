import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { discardBody } from "../../../http/discard-body.ts";
import { Problem } from "../../../platform/problems.ts";
import type { Asset, Assets } from "../assets.ts";
import type { DashboardOptions } from "../options.ts";
import { allowStyles } from "../policy/protection.ts";
import { pathOf, type Route, requireMethod } from "../route.ts";

const FOLDER = "/assets/";
const NONCE_BYTES = 16;

/** Answers the files of the page, and the page itself at every other path: it finds its place by the path. */
export function answerPages({ assets, print }: DashboardOptions): Route {
  let opened: Promise<Assets> | undefined;
  const open = async (): Promise<Assets> => {
    opened ??= assets();
    try {
      return await opened;
    } catch (error) {
      // The next request tries again.
      opened = undefined;
      print(`the files of the dashboard cannot be made: ${(error as Error).message}`);
      throw new Problem(
        "internal_error",
        "The files of the dashboard cannot be made: the log of Skiff has the cause.",
      );
    }
  };
  return async (request, response) => {
    requireMethod(request, response, ["GET", "HEAD"]);
    response.once("close", () => discardBody(request));
    const path = pathOf(request.url!);
    const isAsset = path.startsWith(FOLDER);
    if (!isAsset && !wantsPage(request)) throw unknownPath(path);
    const files = await open();
    if (!isAsset) return sendPage(response, files);
    const asset = files.get(path.slice(FOLDER.length));
    if (asset === undefined) throw unknownPath(path);
    sendAsset(request, response, asset);
  };
}

function sendPage(response: ServerResponse, { index }: Assets): void {
  const nonce = randomBytes(NONCE_BYTES).toString("base64url");
  allowStyles(response, nonce);
  const body = Buffer.from(index.replaceAll("__NONCE__", nonce));
  response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-length": body.length });
  response.end(body);
}

function sendAsset(
  { headers }: IncomingMessage,
  response: ServerResponse,
  { type, body, gzip }: Asset,
): void {
  const isZipped = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(
    String(headers["accept-encoding"] ?? ""),
  );
  const sent = isZipped ? gzip : body;
  response.writeHead(200, {
    "content-type": type,
    "content-length": sent.length,
    "cache-control": "public, max-age=31536000, immutable",
    vary: "accept-encoding",
    ...(isZipped ? { "content-encoding": "gzip" } : {}),
  });
  response.end(sent);
}

/** Browsers ask for icons and the like at any path, and want no page there. */
function wantsPage({ headers: { accept = "*/*" } }: IncomingMessage): boolean {
  return accept === "*/*" || /\btext\/html\b/i.test(accept);
}

function unknownPath(path: string): Problem {
  return new Problem("unknown_route", `The dashboard has no file ${path.slice(0, 80)}.`);
}
