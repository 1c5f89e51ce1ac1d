import type { Field } from "../api/try-call.ts";
import { shellQuoted } from "../ui/shell-quoted.ts";

export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] as const;
export type BodyKind = "text" | "json" | "form" | "file";

/** A row of names and values; rows without a name are not sent. */
export interface Row {
  readonly name: string;
  readonly value: string;
}

/** A request as somebody writes it. The file of a body is kept beside it. */
export interface Draft {
  readonly method: string;
  /** Behind the name of the function; it may have a query. */
  readonly path: string;
  readonly query: readonly Row[];
  readonly headers: readonly Row[];
  readonly bodyKind: BodyKind;
  readonly text: string;
  readonly form: readonly Row[];
  /** Empty: shared as the traffic is. */
  readonly version: string;
  readonly isAsync: boolean;
  readonly withKey: boolean;
}

export const NEW_DRAFT: Draft = {
  ...{ method: "GET", path: "/", query: [], headers: [], bodyKind: "json", text: "", form: [] },
  ...{ version: "", isAsync: false, withKey: false },
};

const TYPES: Readonly<Record<BodyKind, string>> = {
  text: "text/plain;charset=utf-8",
  json: "application/json",
  form: "application/x-www-form-urlencoded",
  file: "application/octet-stream",
};

export function hasBody({ method }: Draft): boolean {
  return method !== "GET" && method !== "HEAD";
}

/** Path and query behind the name of the function, such as `/orders/7?full=1`. */
export function pathAndQuery({ path, query }: Draft): string {
  const { pathname, search } = new URL(`http://host${path.startsWith("/") ? path : `/${path}`}`);
  const pairs = named(query).map(
    ({ name, value }) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  const all = [...(search === "" ? [] : [search.slice(1)]), ...pairs].join("&");
  // The bare address of a function stands for its path `/`.
  return (pathname === "/" ? "" : pathname) + (all === "" ? "" : `?${all}`);
}

/** The path of the API that calls the function. */
export function callPath(name: string, draft: Draft): string {
  const version = draft.version === "" ? "" : `@${draft.version}`;
  return `${draft.isAsync ? "/async" : ""}/fn/${name}${version}${pathAndQuery(draft)}`;
}

/** @param url of the function, where everybody calls it */
export function callUrl(url: string, draft: Draft): string {
  const at = url.lastIndexOf("/fn/");
  return url.slice(0, at) + callPath(url.slice(at + "/fn/".length), draft);
}

/** The header fields of the call, with the type of its body unless a row names one. */
export function callHeaders(draft: Draft, fileType?: string): Field[] {
  const rows = named(draft.headers).map(({ name, value }): Field => [name, value]);
  const hasType = rows.some(([name]) => name.toLowerCase() === "content-type");
  const isEmpty = !hasBody(draft) || (draft.bodyKind !== "file" && bodyText(draft) === "");
  if (hasType || isEmpty) return rows;
  return [...rows, ["content-type", (draft.bodyKind === "file" && fileType) || TYPES[draft.bodyKind]]];
}

/** The body unless it is a file. */
export function bodyText({ bodyKind, text, form }: Draft): string {
  if (bodyKind !== "form") return text;
  return new URLSearchParams(named(form).map(({ name, value }) => [name, value])).toString();
}

/** Why the body is not JSON; undefined if it is, and for other bodies. It can be sent all the same. */
export function jsonFault({ bodyKind, text }: Draft): string | undefined {
  if (bodyKind !== "json" || text.trim() === "") return undefined;
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return `This is not JSON: ${(error as Error).message}`;
  }
}

/** What is not sent of a path: browsers and `curl` keep a fragment as well. */
export function pathHint({ path }: Draft): string | undefined {
  return path.includes("#") ? "What follows # is not sent. Write %23 for the character." : undefined;
}

/** Why a header of a row cannot be sent; undefined if it can. */
export function headerFault({ name, value }: Row): string | undefined {
  const wrong = /[^\w!#$%&'*+.^`|~-]/u.exec(name)?.[0];
  if (wrong !== undefined) {
    return wrong === " "
      ? `"${name}" is not a valid header name: it has a space.`
      : `"${name}" is not a valid header name: it has the character ${JSON.stringify(wrong)}.`;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what HTTP forbids
  const isForbidden = /[\u0000-\u0008\u000a-\u001f\u007f]/.test(value);
  return isForbidden ? `The value of ${name} has a control character.` : undefined;
}

export interface CurlOptions {
  /** Of the function. */
  readonly url: string;
  readonly file?: { readonly name: string; readonly type: string } | undefined;
}

/** The call as a command for a shell. The key stands in the variable `KEY`, never in the text. */
export function curlCommand(draft: Draft, { url, file }: CurlOptions): string {
  const { method } = draft;
  const body = hasBody(draft) ? bodyText(draft) : "";
  const isFile = hasBody(draft) && draft.bodyKind === "file" && file !== undefined;
  const data = isFile ? `@${file.name}` : body;
  const implied = data === "" ? "GET" : "POST";
  const parts = [
    ...(method === "HEAD" ? ["-I"] : ["-i"]),
    ...(method === implied || method === "HEAD" ? [] : [`-X ${method}`]),
    shellQuoted(callUrl(url, draft)),
    ...callHeaders(draft, file?.type).map(([name, value]) => `-H ${shellQuoted(`${name}: ${value}`)}`),
    ...(draft.withKey ? ['-H "x-skiff-key: $KEY"'] : []),
    ...(data === "" ? [] : [`--data-binary ${shellQuoted(data)}`]),
  ];
  return `curl ${parts.join(" ")}`;
}

function named(rows: readonly Row[]): Row[] {
  return rows.filter(({ name }) => name !== "");
}
