import type { IncomingMessage } from "node:http";
import type { TrustedProxies } from "../../http/trusted-proxies.ts";
import type { Problem } from "../../platform/problems.ts";

/** The fields that the router reads itself; all of them are forwarded from `rawHeaders`. */
export interface KnownFields {
  readonly connection?: string | undefined;
  readonly forwarded?: string | string[] | undefined;
  readonly host?: string | undefined;
  readonly "user-agent"?: string | undefined;
  readonly "x-forwarded-for"?: string | string[] | undefined;
  readonly "x-forwarded-host"?: string | string[] | undefined;
  readonly "x-forwarded-port"?: string | string[] | undefined;
  readonly "x-forwarded-prefix"?: string | string[] | undefined;
  readonly "x-forwarded-proto"?: string | string[] | undefined;
}

/** The rules by which a router reads a head. */
export interface Ingress {
  /** Undefined if the operator trusts none. */
  readonly proxies: TrustedProxies | undefined;
  readonly hosts: {
    /** The functions that have host names. */
    readonly byName: ReadonlyMap<string, string>;
    /** Grows with each change of `byName`. */
    readonly revision: number;
  };
  /** Returns whether the text of a key is that of Skiff itself. */
  readonly isOwn?: (key: string) => boolean;
}

/** The head of a request, read by Node's server or by the fast path. */
export interface RequestHead
  extends Readonly<Pick<IncomingMessage, "method" | "url" | "httpVersion" | "httpVersionMinor" | "socket">> {
  /** Names as they were sent and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly headers: KnownFields;
}

/** The parts of a request target (RFC 9112 3.2), not decoded. */
export interface Target {
  readonly name: string;
  /** The version that `/fn/NAME@N` names; 0 for anything but a number. Undefined: the traffic decides. */
  readonly version: number | undefined;
  /** Path after the prefix, and query. */
  readonly path: string;
  /** `/fn/NAME` or `/fn/NAME@N`, or empty at a host name of the function. */
  readonly prefix: string;
  /** The authority of an absolute-form target, which overrides the Host header. */
  readonly authority: string | undefined;
}

/** A prepared head. A connection whose client repeats its head prepares it once. */
export interface PreparedRequest {
  readonly head: RequestHead;
  /** Undefined if the target is not of the form /fn/NAME…, and the host is none of a function. */
  readonly target: Target | undefined;
  /** The reason why the head cannot be forwarded; undefined if it can. */
  readonly problem: Problem | undefined;
  /** The request line and fields for the instance, without the fields that differ for each call. */
  readonly text: string;
  /** The text of a key, unchecked; undefined if there is none. It is not in `text`. */
  readonly key: string | undefined;
  /** Unchecked; undefined if there is none. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  /** The client according to a trusted proxy; undefined without one. */
  readonly client: { readonly address: string; readonly scheme: string } | undefined;
}
