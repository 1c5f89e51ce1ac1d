import { createHash } from "node:crypto";
import type { Limits } from "../../limits.ts";
import type { RouteRules, SourceType, Traffic, VersionRecord } from "../../platform.ts";
import {
  modeOf,
  type Runtime,
  START_DEFAULTS,
  START_NAMES,
  startedBy,
  withoutStart,
} from "../../settings/runtime.ts";
import { applySettings, defaultSettings, type Settings } from "../../settings/settings.ts";
import { currentVersion, frontOf, historyAfter, type TrafficHistory } from "../../traffic.ts";
import {
  type FunctionResource,
  type FunctionSpec,
  type KeptVersion,
  KINDS,
  type Place,
} from "../cluster/resources.ts";
import { ANNOTATIONS } from "./names.ts";

const NUMBERS = ["min", "max", "concurrency", "timeoutMs", "idleMs", "memoryMiB"] as const;

/**
 * Checks the settings of a Function by the rules of a deploy.
 * @throws Problem `invalid_setting`
 */
export function checkedSettings(spec: FunctionSpec, limits: Limits): Settings {
  const { env, permissions, entry, hosts, secrets, access, quota, cron, retry } = spec;
  const patch = {
    ...(spec.image === undefined ? {} : { runtime: "image" }),
    ...numbersOf(spec),
    ...(env === undefined ? {} : { env }),
    ...(permissions === undefined ? {} : { permissions }),
    ...(entry === undefined ? {} : { entry }),
    ...(hosts === undefined ? {} : { hosts }),
    ...(secrets === undefined ? {} : { secrets }),
    ...(access === undefined ? {} : { access }),
    ...(quota === undefined ? {} : { quota }),
    ...(cron === undefined ? {} : { cron }),
    ...(retry === undefined ? {} : { retry }),
    ...Object.fromEntries(
      START_NAMES.flatMap((name) => (spec[name] === undefined ? [] : [[name, spec[name]]])),
    ),
  };
  return applySettings(defaultSettings(limits), patch, limits);
}

/** Converts settings to fields of a Function. What starts it is left out where it has its default. */
export function specOf(settings: Settings): FunctionSpec {
  const { permissions, env, ...numbers } = withoutStart(settings);
  const { net, sys } = permissions;
  return { ...numbers, env, permissions: { net, sys }, ...startedBy(settings) };
}

/** Returns `spec` without what starts the function. */
export function unstarted(spec: FunctionSpec): FunctionSpec {
  return Object.fromEntries(Object.entries(spec).filter(([name]) => !Object.hasOwn(START_DEFAULTS, name)));
}

/** The entry of a version in `status.versions`. */
export function keptVersion({ version, settings }: Pick<VersionRecord, "version" | "settings">): KeptVersion {
  const { env: _, entry: __, secrets, permissions, ...others } = withoutStart(settings);
  const { hosts, access, quota, cron, retry, ...numbers } = others;
  const asked = Object.keys(secrets).length === 0 ? {} : { secrets };
  const front = frontOf({ hosts, access, quota, cron, retry });
  const { program: ___, ...start } = startedBy(settings);
  const mode = modeOf(settings);
  const started = { ...start, ...(mode === undefined ? {} : { mode }) };
  return { version, ...numbers, net: permissions.net, ...front, ...asked, ...started };
}

/**
 * Returns the versions that may be called, in ascending order. Managers of an older Skiff do not list them: their current
 * version has the settings in `spec`.
 */
export function keptVersions(
  { spec, status = {} }: FunctionResource,
  limits: Limits,
): readonly KeptVersion[] {
  const { versions = [], version } = status;
  if (version === undefined || versions.some((kept) => kept.version === version)) return versions;
  const defaults = numbersOf(defaultSettings(limits)) as Pick<Settings, (typeof NUMBERS)[number]>;
  const unlisted = {
    version,
    ...defaults,
    ...numbersOf(spec),
    net: spec.permissions?.net ?? [],
    ...frontOf(spec),
  };
  return [...versions, unlisted].sort((a, b) => a.version - b.version);
}

/** Returns the traffic in `spec` without unknown versions. If none is left, returns the version that served last. */
export function trafficOf({ spec, status = {} }: FunctionResource, kept: readonly KeptVersion[]): Traffic {
  const whole = (version: number | undefined) => (version === undefined ? [] : [{ version, weight: 1 }]);
  const isKept = (version: number) => kept.some((each) => each.version === version);
  const declared = spec.traffic?.length ? spec.traffic : whole(spec.version);
  const known = declared.filter(({ version }) => isKept(version));
  if (known.length > 0) return known.map(({ version, weight }) => ({ version, weight }));
  return whole(status.version).filter(({ version }) => isKept(version));
}

/** Returns the current version; undefined if none can be called. */
export function currentOf(resource: FunctionResource, limits: Limits): number | undefined {
  const kept = keptVersions(resource, limits);
  return currentVersion(trafficOf(resource, kept)) ?? kept.at(-1)?.version;
}

/** Returns the rules that the Function has beside its traffic. */
export function rulesOf({ sticky, guard }: RouteRules): Omit<RouteRules, "expected"> {
  return { ...(sticky === undefined ? {} : { sticky }), ...(guard === undefined ? {} : { guard }) };
}

/** @param traffic the traffic of the Function */
export function historyOf({ metadata }: FunctionResource, traffic: Traffic): TrafficHistory {
  let whole: unknown;
  try {
    whole = JSON.parse(metadata.annotations?.[ANNOTATIONS.whole] ?? "[]");
  } catch {
    // A person wrote an unreadable list. A rollback needs a version then.
  }
  const isList = Array.isArray(whole) && whole.every((version) => Number.isInteger(version));
  return historyAfter({ whole: isList ? (whole as number[]) : [] }, traffic);
}

/** Returns the start of the change that is under way, in milliseconds since 1970; undefined if there is none. */
export function publishingSince({ metadata }: FunctionResource): number | undefined {
  const text = metadata.annotations?.[ANNOTATIONS.publishingSince];
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  // A person wrote an unreadable time, which must not delay deploys.
  return Number.isNaN(ms) ? 0 : ms;
}

export function functionPlace(namespace: string, name?: string): Place {
  return { kind: KINDS.functions, namespace, ...(name === undefined ? {} : { name }) };
}

/** Whether the Function says itself what it runs; otherwise its versions have it. */
export function hasOwnSource({ source, image }: FunctionSpec): boolean {
  return source !== undefined || image !== undefined;
}

/** Returns undefined if the Function has no inline source. */
export function inlineSourceHash(spec: FunctionSpec): string | undefined {
  const { source, runtime } = spec;
  if (source === undefined) return undefined;
  return createHash("sha256")
    .update(`${inlineSourceType(runtime)}\n${source}`)
    .digest("hex");
}

export function inlineSourceType(runtime: Runtime | undefined): SourceType {
  return runtime === "program" ? "application/octet-stream" : "text/typescript";
}

function numbersOf(spec: FunctionSpec): Partial<Pick<Settings, (typeof NUMBERS)[number]>> {
  return Object.fromEntries(NUMBERS.flatMap((key) => (spec[key] === undefined ? [] : [[key, spec[key]]])));
}
