import type { Context } from "koa";
import type { Limits } from "../../platform/limits.ts";
import type { Platform } from "../../platform/platform.ts";
import type { Builder } from "../../runtimes/runtime.ts";
import type { Access } from "../access/access.ts";
import type { Deploys } from "../deploys/deploys.ts";

/** What the handlers of the management API work with. */
export interface Services {
  readonly platform: Platform;
  readonly deploys: Deploys;
  readonly builder: Pick<Builder, "recognize">;
  readonly limits: Limits;
  readonly access: Access;
  /** One line for the person at the terminal. */
  readonly print: (line: string) => void;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
  /** Undefined: ready; else why not. */
  readonly ready: () => string | undefined;
  readonly publicUrl?: string | undefined;
  /** Aborted when Skiff shuts down: nothing that streams may hold it up. */
  readonly closing: AbortSignal;
}

/** One request on its way to its answer; `state.callId` is its call id. */
export type Call = Context & { params: Record<string, string> };
export type Handler = (ctx: Call) => Promise<void> | void;
