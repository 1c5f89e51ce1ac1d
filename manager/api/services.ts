import type { Context } from "koa";
import type { Access } from "../../http/access/access.ts";
import type { TokenVerifier } from "../../http/access/credentials.ts";
import { parseHost } from "../../http/access/host.ts";
import type { Principal } from "../../http/access/principal.ts";
import type { TrustedProxies } from "../../http/trusted-proxies.ts";
import type { CommandRules } from "../../platform/images/command-rules.ts";
import type { KeyTable } from "../../platform/keys/key-table.ts";
import type { Limits } from "../../platform/limits.ts";
import type { Platform } from "../../platform/platform.ts";
import type { Builder } from "../../runtimes/runtime.ts";
import type { FlowStore, Store } from "../../store/store.ts";
import type { KeyAccess } from "../access/key-access.ts";
import type { RouteRule } from "../access/route-rules.ts";
import type { CommandRuns } from "../commands/command-runs.ts";
import type { Deploys } from "../deploys/deploys.ts";
import type { GitHome } from "../git/homes/git-home.ts";
import type { Mirrors } from "../git/mirror/mirrors.ts";
import type { ReceivePush } from "../git/push/push.ts";
import type { PushCounter } from "../git/push/push-counter.ts";
import type { Repositories } from "../git/repositories.ts";
import type { KnownFlows } from "./flows/known-flows.ts";
import type { SystemFacts } from "./system/system-facts.ts";

/** What happened, and what waits. Logs are in it where lines outlive their instance. */
export type ManagerStore = Pick<Store, "usage" | "audit"> & Partial<Pick<Store, "logs"> & FlowStore>;

export interface ManagerOptions {
  readonly platform: Platform;
  readonly builder: Builder;
  readonly limits: Limits;
  readonly access: Access;
  /** Absent where none is configured: what needs it answers 503 `store_unavailable`. */
  readonly store?: ManagerStore | undefined;
  /** The keys that are accepted. The composition root keeps them in step with the platform. */
  readonly keyTable: KeyTable;
  /** Whether commands may run, and in which images. Off by default. */
  readonly commandRules?: CommandRules | undefined;
  /** Proxies that name the address of the client. None by default. */
  readonly proxies?: TrustedProxies | undefined;
  /** Absent if no issuer of tokens is configured. */
  readonly tokens?: TokenVerifier | undefined;
  /** Prints one line on the terminal. */
  readonly print: (line: string) => void;
  /** Returns the text of `/metrics` in the format of Prometheus. */
  readonly metrics: () => Promise<string>;
  /** Returns the reason why the manager is not ready, or undefined. */
  readonly ready: () => string | undefined;
  /** Where git repositories are. Absent: requests for them answer 501 `git_missing`. */
  readonly gitHome?: GitHome | undefined;
  /** Hosts of other git repositories that may be addresses of this machine and its networks (callback-hosts.ts). */
  readonly callbackHosts?: ReadonlySet<string> | undefined;
  /** For `GET /system`. */
  readonly system?: SystemFacts | undefined;
  /** Base of the URLs in answers. By default it is made from the `Host` of the request. */
  readonly publicUrl?: string;
  /** Returns where the dashboard is for a client that names this host; undefined if there is none. */
  readonly dashboardUrl?: (host: string) => string | undefined;
}

/** Dependencies of the handlers. */
export interface Services extends ManagerOptions {
  readonly deploys: Deploys;
  readonly commandRuns: CommandRuns;
  readonly keys: KeyAccess;
  readonly flows: KnownFlows;
  readonly repositories: Repositories;
  readonly receivePush: ReceivePush;
  readonly pushes: PushCounter;
  readonly mirrors: Mirrors;
  /** Aborts when the manager shuts down, so that it ends streams. */
  readonly closing: AbortSignal;
}

/** One request. */
export type Call = Context & { params: Record<string, string>; state: CallState };

export interface CallState {
  callId: string;
  /** Address of the client. */
  from: string;
  /** Who the request is from. Absent for probes, as the next two. */
  principal: Principal;
  /** The same for records. */
  by: string;
  /** Undefined if no route serves the request. */
  rule?: RouteRule;
  /** What a handler adds to the entry in the audit log. */
  audited?: {
    readonly target?: string;
    readonly detail?: string;
    /** The request wrote nothing, and needs no entry. */
    readonly isNothing?: boolean;
  };
}
export type Handler = (ctx: Call) => Promise<void> | void;

/** Returns the base of the URLs in an answer, without a slash at its end. */
export function baseUrl({ publicUrl }: Services, ctx: Call): string {
  return publicUrl?.replace(/\/+$/, "") ?? `http://${ctx.req.headers.host}`;
}

/** Returns the base URL of the dashboard for the client of a request; undefined if there is none. */
export function dashboardUrl({ dashboardUrl }: Services, ctx: Call): string | undefined {
  return dashboardUrl?.(parseHost(ctx.req.headers.host ?? "") ?? "localhost");
}
