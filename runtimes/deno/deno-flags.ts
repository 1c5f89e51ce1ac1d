import { START_VARIABLE } from "../../client-image/start-message.ts";
import { type NetRule, parseNetRule } from "../../platform/net-rule.ts";
import type { Settings } from "../../platform/settings.ts";

/**
 * IPv4 addresses that are not public: the special-purpose registries of RFC 6890, multicast, and the
 * metadata address of Azure, which lies in a public range. Deno checks them again on what a name resolves
 * to, and on IPv6 forms of them that a program writes; not on an IPv6 form (`::ffff:10.0.0.1`) that a name
 * resolves to.
 */
export const PRIVATE_IPV4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "168.63.129.16/32",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
];

/** Deno takes no IPv6 ranges, so only single addresses can be named: unspecified, loopback, metadata. */
const PRIVATE_IPV6 = ["[::]", "[::1]", "[fd00:ec2::254]", "[fd20:ce::254]"];

const PRIVATE_NAMES = ["localhost", "metadata.google.internal"];

export interface Sandbox {
  readonly settings: Settings;
  /** The bundle's file, which the function may read. */
  readonly bundle: string;
  /** The one folder that the function may read and write; absent: there is none. */
  readonly scratch?: string;
  /** Where the instance listens: a Unix socket, or a port of a pod. */
  readonly listen: { readonly unix: string } | { readonly port: number };
  /** In a pod: what the runtime reads and writes besides, before anything else runs, and then lets go. */
  readonly runtime?: { readonly read: readonly string[]; readonly write: readonly string[] };
  /** Addresses of this machine besides loopback: functions do not reach its other services through them. */
  readonly ownAddresses: readonly string[];
}

/** Everything between `deno` and the program for an instance with these settings. */
export function denoRunArguments(sandbox: Sandbox): string[] {
  const { settings, bundle, scratch, listen, runtime, ownAddresses } = sandbox;
  // Denying an address denies listening on it, too. In a pod 0.0.0.0 is the pod itself and nothing else.
  const open = "unix" in listen ? [] : ["0.0.0.0/32"];
  const { allow, deny } = netFlags(settings.permissions.net, ownAddresses, open);
  const files = [...(scratch === undefined ? [] : [scratch]), ...("unix" in listen ? [listen.unix] : [])];
  const listens = "unix" in listen ? `unix:${listen.unix}` : `0.0.0.0:${listen.port}`;
  const reads = [bundle, ...(runtime?.read ?? []), ...files];
  // The runtime reads its start message, and removes it before the function could.
  const own = [
    ...(scratch === undefined ? [] : ["TMPDIR"]),
    ...(runtime === undefined ? [] : [START_VARIABLE]),
  ];
  const variables = [...own, ...Object.keys(settings.env)];
  const writes = [...(runtime?.write ?? []), ...files];
  return [
    "run",
    "--quiet",
    "--no-prompt",
    "--no-config",
    "--no-lock",
    "--no-remote",
    "--no-npm",
    // Without it a request's signal aborts after every answer, not only when the client goes away.
    "--unstable-no-legacy-abort",
    `--v8-flags=--max-heap-size=${heapMiB(settings)}`,
    // Nothing else can be set either: variables steer what Deno loads and where it connects without asking
    // for a permission (HTTP_PROXY; __EGL_VENDOR_LIBRARY_FILENAMES names native code). Ignored, not denied:
    // a program that looks for one finds none and goes on.
    ...(variables.length > 0 ? [`--allow-env=${variables.join(",")}`] : []),
    "--ignore-env",
    `--allow-read=${reads.join(",")}`,
    ...(writes.length > 0 ? [`--allow-write=${writes.join(",")}`] : []),
    ...(settings.permissions.sys.length > 0 ? [`--allow-sys=${settings.permissions.sys.join(",")}`] : []),
    allow === "all" ? "--allow-net" : `--allow-net=${[listens, ...allow].join(",")}`,
    ...(deny.length > 0 ? [`--deny-net=${deny.join(",")}`] : []),
  ];
}

/** What a process of Deno takes besides its heap: 25 MiB after start, and room for compiled code. */
const OUTSIDE_HEAP_MIB = 32;

/**
 * Young and old objects in all: V8 collects what is unused before the process reaches its limit, by which it is ended.
 * `--max-old-space-size` would leave the young ones out, which may be as many again.
 */
function heapMiB({ memoryMiB }: Settings): number {
  return Math.max(memoryMiB - OUTSIDE_HEAP_MIB, Math.ceil(memoryMiB / 2));
}

/**
 * With `public`: all but the private addresses, of which the listed ones are taken out. Without: the
 * listed destinations only; a name among them still does not reach a private address by resolving to it.
 * `open` are ranges that are not denied although nobody listed them.
 */
export function netFlags(
  rules: readonly string[],
  ownAddresses: readonly string[],
  open: readonly string[] = [],
): NetFlags {
  const parsed = rules.map((rule) => parseNetRule(rule)).filter((rule) => rule !== undefined);
  const isPublic = parsed.some((rule) => rule.kind === "public");
  const own = ownAddresses.map((address) => (address.includes(":") ? `[${address}]` : `${address}/32`));
  // Beside `public` nothing limits the port, so a private address of which one port is wanted stays closed.
  const opened = parsed.filter((rule) => !isPublic || (rule.kind !== "public" && rule.port === undefined));
  const openedRanges = opened.filter((rule) => rule.kind === "range");
  const ranges = [...open, ...openedRanges.map(({ base, bits }) => `${base}/${bits}`)];
  const listed = new Set([...ranges, ...opened.map((rule) => ("host" in rule ? rule.host : ""))]);
  const closed = [...PRIVATE_IPV4, ...own.filter((range) => !range.startsWith("["))];
  const deny = [
    ...closed.flatMap((range) => subtractRanges(range, ranges)),
    ...[...PRIVATE_IPV6, ...own.filter((range) => range.startsWith("[")), ...PRIVATE_NAMES].filter(
      (host) => !listed.has(host),
    ),
  ];
  return { allow: isPublic ? "all" : parsed.map(denoRule), deny: [...new Set(deny)] };
}

export interface NetFlags {
  readonly allow: "all" | readonly string[];
  readonly deny: readonly string[];
}

function denoRule(rule: NetRule): string {
  if (rule.kind === "public") throw new Error("public is not a destination");
  const port = rule.port === undefined ? "" : `:${rule.port}`;
  if (rule.kind !== "range") return rule.host + port;
  return rule.bits === 32 ? rule.base + port : `${rule.base}/${rule.bits}`;
}

/** The parts of `range` that none of `holes` covers, as ranges. */
export function subtractRanges(range: string, holes: readonly string[]): string[] {
  let parts = [parseRange(range)];
  for (const hole of holes.map(parseRange)) parts = parts.flatMap((part) => subtract(part, hole));
  return parts.map(({ first, bits }) => `${formatIPv4(first)}/${bits}`);
}

interface Range {
  readonly first: number;
  readonly bits: number;
}

function subtract(part: Range, hole: Range): Range[] {
  const covers = (outer: Range, inner: Range) =>
    outer.bits <= inner.bits && networkOf(inner.first, outer.bits) === outer.first;
  if (covers(hole, part)) return [];
  if (!covers(part, hole)) return [part];
  const bits = part.bits + 1;
  const halves = [part.first, part.first + 2 ** (32 - bits)].map((first) => ({ first, bits }));
  return halves.flatMap((half) => subtract(half, hole));
}

function networkOf(address: number, bits: number): number {
  const size = 2 ** (32 - bits);
  return Math.floor(address / size) * size;
}

function parseRange(text: string): Range {
  const [base = "", bits = "32"] = text.split("/");
  const address = base.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  return { first: networkOf(address, Number(bits)), bits: Number(bits) };
}

function formatIPv4(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}
