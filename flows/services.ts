import type { IncomingMessage, ServerResponse } from "node:http";
import type { Access } from "../http/access/access.ts";
import type { TrustedProxies } from "../http/trusted-proxies.ts";
import type { KeyTable } from "../platform/keys/key-table.ts";
import type { Limits } from "../platform/limits.ts";
import type { Platform } from "../platform/platform.ts";
import type { StoreChanges } from "../store/changes.ts";
import type { CreatedRun, NewRun } from "../store/flows/runs.ts";
import type { FlowStore, UsageLedger } from "../store/store.ts";
import type { FlowCounts } from "./engine/counts.ts";
import type { FlowTable } from "./engine/flow-table.ts";
import type { InputChecks } from "./engine/input-checks.ts";
import type { NewRuns } from "./engine/new-runs.ts";
import type { Values } from "./engine/values.ts";

export interface FlowsOptions {
  /** Announces its changes (store/changes.ts). */
  readonly store: FlowStore;
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
   * Other programs use the store too: their changes are found by polling, and runs of an engine that has died are taken over after
   * some time. False: every run that has an owner at the start is taken over at once.
   */
  readonly isShared: boolean;
  /** Stays the same when this program restarts, and no other program has it: the name of a pod. Runs of its predecessor go on at once. */
  readonly identity: string;
  /** Counts what the engine does. */
  readonly counts?: FlowCounts;
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

/** What the parts of flows share. */
export interface FlowServices extends FlowsOptions {
  /** The declared flows. */
  readonly table: FlowTable;
  /** Makes what `begin` stores. */
  readonly newRuns: NewRuns;
  /** Moves what is large out of entries, and reads it back. */
  readonly values: Values;
  /** Checks inputs by the schemas of flows. */
  readonly inputChecks: InputChecks;
  /**
   * Stores a run, which this program's engine then has at once if it has room. Durable when it resolves.
   * @throws Problem `store_unavailable`, `draining`
   */
  readonly begin: (run: NewRun) => Promise<CreatedRun>;
  /** Called with the id of each key that is used. */
  readonly keyUsed?: (id: string) => void;
}

/** A part of flows. It lives from the start of flows to their drain. */
export interface FlowsPart {
  /** Answers the requests whose paths are in the part's row (flows.ts). */
  readonly handler?: RequestHandler;
  /** Stops what it does by itself. Requests under way go on. */
  close(): Promise<void>;
}
