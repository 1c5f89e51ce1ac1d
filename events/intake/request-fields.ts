import type { IncomingMessage } from "node:http";
import { parseHost } from "../../http/access/host.ts";
import { clientOf } from "../../http/client-address.ts";
import { connectionNames, WITHHELD_FIELDS } from "../../http/fields.ts";
import type { TrustedProxies } from "../../http/trusted-proxies.ts";
import { bearerOf, hidesKey, keyIdOf } from "../../platform/keys/key-text.ts";
import { Problem } from "../../platform/problems.ts";
import { OPTION_NAMES } from "./call-options.ts";

/** The header fields of a request, sorted by who reads them. */
export interface RequestFields {
  /** What the function gets, names and values in turn. */
  readonly forFunction: string[];
  /** Credentials that Skiff reads, in the order of preference; the function gets none of them. */
  readonly credentials: readonly string[];
  /** The credential of an `Authorization: Bearer` that is no key. It is not in `forFunction`. */
  readonly bearer: string | undefined;
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  /** `skiff-NAME` fields, by NAME. */
  readonly options: ReadonlyMap<string, string>;
  /** The first `skiff-…` field that is no option. */
  readonly unknownOption: string | undefined;
}

/** What calls do not get at /fn either. The length is that of the body as it is stored. */
const DROPPED: ReadonlySet<string> = new Set(
  [...WITHHELD_FIELDS, "Content-Length"].map((name) => name.toLowerCase()),
);
const PREFIX = "skiff-";
/** `skiff-NAME` fields that Skiff sets itself, so nobody else may. */
const OWN = new Set(
  "call attempt schedule scheduled-at topic subscription event state status cut".split(" "),
);

/**
 * Reads the fields of a request.
 * @param authority of an absolute-form target, which overrides the Host header
 * @throws Problem `invalid_request` for a host that is missing, repeated or not valid, and for options sent twice
 */
export function readFields(
  request: IncomingMessage,
  {
    authority,
    proxies,
  }: { readonly authority: string | undefined; readonly proxies?: TrustedProxies | undefined },
): RequestFields {
  const { rawHeaders, headers } = request;
  const named = connectionNames(headers.connection);
  const forFunction: string[] = [];
  const [fromKeyField, fromAuthorization, hosts]: [string[], string[], string[]] = [[], [], []];
  const options = new Map<string, string>();
  let bearer: string | undefined;
  let unknownOption: string | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    const value = rawHeaders[i + 1]!;
    if (name === "host") hosts.push(value);
    else if (name === "x-skiff-key") fromKeyField.push(value);
    else if (name === "authorization") {
      const text = bearerOf(value);
      if (text !== undefined && keyIdOf(text) !== undefined) fromAuthorization.push(text);
      else if (text !== undefined && bearer === undefined) bearer = text;
      else if (!hidesKey(value)) forFunction.push(name, value);
    } else if (name === "traceparent" || name === "tracestate" || named?.has(name)) continue;
    else if (name.startsWith(PREFIX)) {
      const option = name.slice(PREFIX.length);
      if (OWN.has(option)) continue;
      if (!OPTION_NAMES.has(option)) {
        unknownOption ??= name;
        continue;
      }
      if (options.has(option)) throw repeated(name);
      options.set(option, value);
    } else if (!DROPPED.has(name) && !name.startsWith("x-skiff-")) forFunction.push(name, value);
  }
  pushOrigin(forFunction, request, { host: hostOf(hosts, authority, request), proxies });
  return {
    forFunction,
    credentials: [...fromKeyField, ...fromAuthorization],
    bearer,
    traceparent: one(headers.traceparent),
    tracestate: one(headers.tracestate),
    options,
    unknownOption,
  };
}

function hostOf(
  hosts: readonly string[],
  authority: string | undefined,
  { httpVersionMinor }: IncomingMessage,
): string | undefined {
  if (hosts.length > 1) throw invalidHost("The request has more than one Host header");
  // HTTP/1.0 has none, HTTP/1.1 requires one.
  if (hosts.length === 0 && httpVersionMinor !== 0) throw invalidHost("The request has no Host header");
  const host = authority ?? hosts[0];
  if (host !== undefined && parseHost(host) === undefined) {
    throw invalidHost("The host of the request is not valid");
  }
  return host;
}

function pushOrigin(
  fields: string[],
  request: IncomingMessage,
  { host, proxies }: { readonly host: string | undefined; readonly proxies: TrustedProxies | undefined },
): void {
  const { address, origin } = clientOf(request, proxies);
  const named = origin?.host !== undefined && parseHost(origin.host) !== undefined ? origin.host : host;
  fields.push("host", named ?? "localhost");
  const before = origin === undefined ? one(request.headers["x-forwarded-for"]) : origin.forBefore;
  fields.push("x-forwarded-for", before === undefined ? address : `${before}, ${address}`);
  // A router that trusts the worker passes it on.
  if (origin?.scheme !== undefined) fields.push("x-forwarded-proto", origin.scheme);
}

function one(field: string | string[] | undefined): string | undefined {
  return Array.isArray(field) ? field.join(", ") : field;
}

function repeated(name: string): Problem {
  return new Problem("invalid_request", `The header ${name} occurs more than once: send it once.`);
}

function invalidHost(what: string): Problem {
  return new Problem("invalid_request", `${what}: send exactly one, as "Host: name" or "Host: name:port".`);
}
