import type { Target } from "./request.ts";

const PREFIX = "/fn/";
const SLASH = 47;
const QUESTION = 63;
const HOST_BYTES = 261;

/** Longest host name (RFC 1035) and port; what else may stand in a Host header changes the URL a function sees. */
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/** Undefined if the target is not of the form /fn/NAME…, so that the name needs no checking of its own. */
export function parseTarget(url: string): Target | undefined {
  if (url.charCodeAt(0) === SLASH) return parsePath(url, undefined);
  const scheme = /^https?:\/\//i.exec(url);
  if (!scheme) return undefined;
  const start = scheme[0].length;
  const end = url.slice(start).search(/[/?#]/);
  const authority = end < 0 ? url.slice(start) : url.slice(start, start + end);
  const path = end < 0 ? "/" : url.slice(start + end);
  return path.charCodeAt(0) === SLASH ? parsePath(path, authority) : undefined;
}

/** True for every target which the router answers: `/fn`, `/fn?…` and all below `/fn/`, in both forms. */
export function isCallTarget(url: string): boolean {
  if (url.charCodeAt(0) === SLASH) return isBelowPrefix(url);
  const path = /^https?:\/\/[^/?#]*(\/.*)$/i.exec(url)?.[1];
  return path !== undefined && isBelowPrefix(path);
}

export function isHost(text: string): boolean {
  return text.length <= HOST_BYTES && HOST.test(text);
}

function isBelowPrefix(path: string): boolean {
  return path.startsWith(PREFIX) || path === "/fn" || path.startsWith("/fn?");
}

function parsePath(url: string, authority: string | undefined): Target | undefined {
  if (!url.startsWith(PREFIX)) return undefined;
  let end = PREFIX.length;
  let code = 0;
  for (; end < url.length; end++) {
    code = url.charCodeAt(end);
    if (code === SLASH || code === QUESTION) break;
  }
  const name = url.slice(PREFIX.length, end);
  if (end === url.length) return { name, path: "/", authority };
  return { name, path: code === SLASH ? url.slice(end) : `/${url.slice(end)}`, authority };
}
