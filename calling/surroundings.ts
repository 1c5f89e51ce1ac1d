import type { IncomingMessage, ServerResponse } from "node:http";
import type { Access } from "../http/access/access.ts";
import type { TrustedProxies } from "../http/trusted-proxies.ts";
import type { KeyTable } from "../platform/keys/key-table.ts";
import type { Limits } from "../platform/limits.ts";
import type { Platform } from "../platform/platform.ts";
import type { StoreChanges } from "../store/changes.ts";
import type { UsageLedger } from "../store/store.ts";

/** What events and flows have around them in a program. */
export interface Surroundings {
  /** What the program's store announces (store/changes.ts). */
  readonly changes: StoreChanges;
  readonly platform: Pick<Platform, "endpoints" | "allEndpoints" | "watch" | "declarations">;
  /** Gets the last use of keys, which is not kept by default. */
  readonly usage?: Pick<UsageLedger, "add" | "lastUse">;
  /** The keys that are accepted. The owner keeps them in step with the platform. */
  readonly keys: KeyTable;
  /** The access rule of the management API. */
  readonly access: Access;
  readonly limits: Limits;
  /** Proxies that name the address of the client. None by default. */
  readonly proxies?: TrustedProxies | undefined;
  /** Returns the base of the router's URLs, such as `http://127.0.0.1:8080`, without a slash at its end. */
  readonly router: () => string;
  /** The same of the management API, which runs commands; that of the router by default. */
  readonly manager?: () => string;
  /** Text of the internal key (platform/keys/internal-key.ts). */
  readonly callerKey: string;
  /**
   * Other programs use the store too: their changes are found by polling, and what another one had when it died is taken over
   * after some time. False: all of that is taken over at once.
   */
  readonly isShared: boolean;
  /** The variables `SKIFF_*`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Prints one line on the terminal. */
  readonly print: (line: string) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;
