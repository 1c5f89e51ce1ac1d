import type { RetrySettings } from "../../events/retry-policy.ts";
import type { Draft, RouteRules, Share, VersionRecord } from "../../platform.ts";
import type { Quota } from "../../settings/quota.ts";
import {
  type IsolationSetting,
  modeOf,
  type Placing,
  type ProgramSettings,
  placingOf,
  type Runtime,
} from "../../settings/runtime.ts";
import { type FunctionAccess, parseSettings } from "../../settings/settings.ts";
import { historyAfter, type TrafficHistory } from "../../traffic.ts";

export type Row = Record<string, unknown>;

/** A version to be stored. */
export interface NewVersion extends VersionRecord {
  readonly content: Draft["content"];
}

/** The part of a version that routers need, and whether it is kept. */
export interface CallableVersion extends Placing {
  readonly version: number;
  readonly max: number;
  readonly timeoutMs: number;
  readonly memoryMiB: number;
  readonly hosts: readonly string[];
  readonly access: FunctionAccess;
  readonly quota: Quota;
  readonly cron: readonly string[];
  readonly retry: RetrySettings;
  readonly pinned: boolean;
}

/** The traffic of a function, and what holds until it changes. */
export interface FunctionRoute extends TrafficHistory {
  readonly rules: Omit<RouteRules, "expected">;
}

export interface FunctionRecord extends FunctionRoute {
  readonly name: string;
  readonly createdAt: Date;
  /** Every stored version, oldest first. */
  readonly versions: readonly CallableVersion[];
  /** The versions in `traffic`. */
  readonly routed: readonly VersionRecord[];
}

/** All columns of a version except source and bundle. SQLite takes the length of a source from the head of its row. */
export const RECORDS = `
  SELECT v.name, v.version, v.hash, h.hash AS source_hash, v.settings, v.created_at, length(v.source) AS source_bytes,
    n."by", n.message, n.git_commit, n.author, n.pinned
  FROM versions v JOIN source_hashes h ON h.name = v.name AND h.version = v.version
  JOIN version_notes n ON n.name = v.name AND n.version = v.version`;

export const CALLABLE = `
  SELECT v.name, v.version, settings ->> '$.max' AS max, settings ->> '$.concurrency' AS concurrency,
    settings ->> '$.timeoutMs' AS timeoutMs, settings ->> '$.memoryMiB' AS memoryMiB,
    settings -> '$.hosts' AS hosts, settings ->> '$.access' AS access, settings -> '$.quota' AS quota,
    settings -> '$.cron' AS cron, settings -> '$.retry' AS retry,
    settings ->> '$.runtime' AS runtime, settings -> '$.program' AS program,
    settings ->> '$.isolation' AS isolation, n.pinned
  FROM versions v JOIN version_notes n ON n.name = v.name AND n.version = v.version ORDER BY v.name, v.version`;

export function byName(rows: readonly Row[]): Map<string, Row[]> {
  return Map.groupBy(rows, ({ name }) => name as string);
}

function shareRow({ version, weight }: Row): Share {
  return { version: version as number, weight: weight as number };
}

/**
 * @param shares the rows of its traffic
 * @param row undefined before the first route, and after that of an older Skiff
 */
export function functionRoute(shares: readonly Row[], row: Row | undefined): FunctionRoute {
  const traffic = shares.map(shareRow);
  const { whole = "[]", rules = "{}" } = (row ?? {}) as Record<string, string>;
  return { ...historyAfter({ whole: JSON.parse(whole) as number[] }, traffic), rules: JSON.parse(rules) };
}

export function callableVersion({
  version,
  max,
  concurrency,
  timeoutMs,
  memoryMiB,
  ...later
}: Row): CallableVersion {
  // Settings of an older Skiff have none of them.
  const { hosts, access, quota, cron, retry, isolation } = later as Record<string, string | null>;
  const runtime = (later.runtime ?? "deno") as Runtime;
  const program = JSON.parse((later.program as string | null) ?? "{}") as ProgramSettings;
  const mode = modeOf({ runtime, program });
  return {
    version: version as number,
    max: max as number,
    ...placingOf({
      concurrency: concurrency as number,
      mode,
      isolation: (isolation ?? undefined) as IsolationSetting | undefined,
    }),
    timeoutMs: timeoutMs as number,
    memoryMiB: memoryMiB as number,
    hosts: JSON.parse(hosts ?? "[]") as string[],
    access: (access ?? "public") as FunctionAccess,
    quota: JSON.parse(quota ?? "{}") as Quota,
    cron: JSON.parse(cron ?? "[]") as string[],
    retry: JSON.parse(retry ?? "{}") as RetrySettings,
    pinned: later.pinned === 1,
  };
}

export function versionRecord(row: Row): VersionRecord {
  const { message, git_commit: commit, author } = row as Record<string, string | null>;
  return {
    name: row.name as string,
    version: row.version as number,
    hash: row.hash as string,
    sourceHash: row.source_hash as string,
    settings: parseSettings(row.settings as string),
    createdAt: new Date(row.created_at as number),
    note: {
      by: row.by as string,
      ...(message === null ? {} : { message }),
      ...(commit === null ? {} : { commit }),
      ...(author === null ? {} : { author }),
    },
    sourceBytes: row.source_bytes as number,
    pinned: row.pinned === 1,
  };
}
