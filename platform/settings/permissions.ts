import { invalid, isRecord, shown, unknownSetting } from "./invalid-setting.ts";
import { parseNetRule } from "./net-rule.ts";
import type { Runtime } from "./runtime.ts";

export interface Permissions {
  /** Rules of net-rule.ts; `["public"]` by default for Deno, otherwise `[]` for none. */
  readonly net: readonly string[];
  /** Kinds of system information in Deno's names, such as `hostname`, `cpus`. None by default. */
  readonly sys: readonly string[];
}

export const DEFAULT_PERMISSIONS: Permissions = { net: ["public"], sys: [] };
export const SYS_KINDS = [
  ...["hostname", "osRelease", "osUptime", "loadavg", "networkInterfaces", "systemMemoryInfo", "cpus"],
  ...["uid", "gid"],
];

const LIST_ENTRIES = 100;
/** The valid entries of the permissions, for errors. */
const ENTRIES = {
  net: 'public, a host name, an address, an IPv4 range or [IPv6], each with an optional ":port"',
  sys: SYS_KINDS.join(", "),
};

export function defaultPermissions(runtime: Runtime): Permissions {
  return runtime === "deno" ? DEFAULT_PERMISSIONS : { ...DEFAULT_PERMISSIONS, net: [] };
}

/** Returns the permissions after a change of the runtime: what was the default of one is that of the other then. */
export function permissionsAfter(current: Permissions, before: Runtime, after: Runtime): Permissions {
  const [{ net }, next] = [defaultPermissions(before), defaultPermissions(after)];
  const isDefault = JSON.stringify(current.net) === JSON.stringify(net);
  return before !== after && isDefault ? { ...current, net: next.net } : current;
}

/**
 * Merges `patch` into permissions as in RFC 7396.
 * @throws Problem `invalid_setting`
 */
export function mergePermissions(current: Permissions, patch: unknown, runtime: Runtime): Permissions {
  const defaults = defaultPermissions(runtime);
  if (patch === null) return defaults;
  if (!isRecord(patch)) throw invalid("permissions", "permissions must be an object with net or sys.");
  const next: Record<string, readonly string[]> = { net: current.net, sys: current.sys };
  for (const [key, value] of Object.entries(patch)) {
    if (key !== "net" && key !== "sys") {
      throw unknownSetting(`permissions.${key}`, ["permissions.net", "permissions.sys"]);
    }
    next[key] = value === null ? defaults[key] : checkList(key, value);
  }
  return next as unknown as Permissions;
}

function checkList(key: "net" | "sys", value: unknown): readonly string[] {
  const refuse = (detail: string) => invalid(key, `permissions.${key}${detail}`);
  if (!Array.isArray(value) || value.length > LIST_ENTRIES) {
    throw refuse(` must be a list of at most ${LIST_ENTRIES} strings.`);
  }
  if (value.includes("none")) throw refuse(': use the empty list instead of "none".');
  for (const entry of value) {
    const isRule = key === "net" ? parseNetRule(String(entry)) !== undefined : SYS_KINDS.includes(entry);
    if (typeof entry !== "string" || !isRule)
      throw refuse(`: ${shown(entry)} is unknown; use ${ENTRIES[key]}.`);
  }
  const withPort = key === "net" && value.includes("public") ? value.find(hasPort) : undefined;
  // Deno cannot open one port of a private address beside all public ones.
  if (withPort) throw refuse(`: ${withPort} has a port beside public; remove the port, or public.`);
  return [...new Set(value as string[])].sort();
}

function hasPort(rule: string): boolean {
  const parsed = parseNetRule(rule);
  return parsed !== undefined && parsed.kind !== "public" && parsed.port !== undefined;
}
