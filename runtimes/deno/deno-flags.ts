import type { ProjectLaunch } from "../../client-image/project/project-pack.ts";
import { START_VARIABLE } from "../../client-image/start-message.ts";
import { type NetRule, parseNetRule } from "../../platform/settings/net-rule.ts";
import type { Settings } from "../../platform/settings/settings.ts";
import type { LaunchPaths } from "../runtime.ts";

/**
 * IPv4 addresses that are not public: the special-purpose registries of RFC 6890, multicast, and the metadata address of
 * Azure, which is in a public range. Deno also checks the addresses that a name resolves to, and IPv6 forms that a program
 * writes, but not an IPv6 form (`::ffff:10.0.0.1`) that a name resolves to.
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

/** Deno takes no IPv6 ranges, so these are single addresses: unspecified, loopback, metadata. */
const PRIVATE_IPV6 = ["[::]", "[::1]", "[fd00:ec2::254]", "[fd20:ce::254]"];

const PRIVATE_NAMES = ["localhost", "metadata.google.internal"];

export interface FlagOptions {
  readonly settings: Settings;
  /** What the function is, which it may read. */
  readonly artifact: LaunchPaths["artifact"];
  /** The only folder that the function may read and write; absent: there is none. */
  readonly scratch?: string;
  /** A Unix socket, or a port of a pod. */
  readonly listen: { readonly unix: string } | { readonly port: number };
  /** In a pod: further files of the runtime. It drops the permission for them before other code runs. */
  readonly runtime?: { readonly read: readonly string[]; readonly write: readonly string[] };
  /** Addresses of this machine besides loopback, through which functions may not reach its services. */
  readonly ownAddresses: readonly string[];
}

/** Returns the variables that name the scratch folder. A function may declare another HOME. */
export function folderVariables(scratch: string | undefined): Readonly<Record<string, string>> {
  return scratch === undefined ? {} : { TMPDIR: scratch, HOME: scratch };
}

/** Returns the arguments between `deno` and the program, for an instance with these settings. */
export function denoRunArguments(options: FlagOptions): string[] {
  const { settings, artifact, scratch, listen, runtime, ownAddresses } = options;
  // To deny an address also denies listening on it. In a pod 0.0.0.0 is the pod itself and nothing else.
  const open = "unix" in listen ? [] : ["0.0.0.0/32"];
  const { allow, deny } = netFlags(settings.permissions.net, ownAddresses, open);
  const files = [...(scratch === undefined ? [] : [scratch]), ...("unix" in listen ? [listen.unix] : [])];
  const listens = "unix" in listen ? `unix:${listen.unix}` : `0.0.0.0:${listen.port}`;
  const reads = [artifact.path, ...(runtime?.read ?? []), ...files];
  // The runtime reads its start message, and removes it before the function can read it.
  const own = [...Object.keys(folderVariables(scratch)), ...(runtime === undefined ? [] : [START_VARIABLE])];
  const variables = [...own, ...Object.keys(settings.env), ...Object.keys(settings.secrets)];
  // Deno answers `os.homedir()` with HOME, which is the scratch folder.
  const sys = [...(scratch === undefined ? [] : ["homedir"]), ...settings.permissions.sys];
  const writes = [...(runtime?.write ?? []), ...files];
  return [
    "run",
    "--quiet",
    "--no-prompt",
    ...moduleFlags(artifact),
    // Without it a request's signal aborts after every answer, not only when the client goes away.
    "--unstable-no-legacy-abort",
    `--v8-flags=--max-heap-size=${heapMiB(settings)}`,
    // No other variable can be set: some decide what Deno loads and where it connects without a permission
    // (HTTP_PROXY; __EGL_VENDOR_LIBRARY_FILENAMES names native code). Ignored instead of denied, so that a program
    // that reads one finds none and continues.
    ...(variables.length > 0 ? [`--allow-env=${variables.join(",")}`] : []),
    "--ignore-env",
    `--allow-read=${reads.join(",")}`,
    ...(writes.length > 0 ? [`--allow-write=${writes.join(",")}`] : []),
    ...(sys.length > 0 ? [`--allow-sys=${sys.join(",")}`] : []),
    allow === "all" ? "--allow-net" : `--allow-net=${[listens, ...allow].join(",")}`,
    ...(deny.length > 0 ? [`--deny-net=${deny.join(",")}`] : []),
  ];
}

/** A module imports nothing from outside; a project imports only what was installed into its folder at the deploy. */
function moduleFlags({ path, project }: LaunchPaths["artifact"]): string[] {
  if (project === undefined) return ["--no-config", "--no-lock", "--no-remote", "--no-npm"];
  const { importHosts } = project;
  return [
    ...[`--config=${path}/deno.json`, `--lock=${path}/deno.lock`, "--frozen"],
    ...["--node-modules-dir=manual", "--vendor", "--cached-only"],
    // Deno fetches `import(url, { with: { type: "text" } })` even so: no other host may be reached past `net`.
    importHosts.length === 0 ? "--no-remote" : `--allow-import=${importHosts.join(",")}`,
  ];
}

/**
 * Returns the arguments behind the flags. The runtime imports a module itself. A project is Deno's main module, as under
 * `deno run`, and the runtime runs before it.
 */
export function programArguments(program: string, { path, project }: LaunchPaths["artifact"]): string[] {
  return project === undefined ? [program] : [`--preload=${program}`, `${path}/${project.entry}`];
}

/** Returns the variables with which Deno finds what was installed. The runtime removes them. */
export function projectVariables(project: ProjectLaunch | undefined): Record<string, string> {
  return project?.jsrUrl === undefined ? {} : { JSR_URL: project.jsrUrl };
}

/** Memory of Deno besides its heap: 25 MiB after start, and space for compiled code. */
const OUTSIDE_HEAP_MIB = 32;

/**
 * The heap of young and old objects: V8 then collects garbage before the process reaches the limit at which it is killed.
 * `--max-old-space-size` does not count young objects, which may take as much again.
 */
function heapMiB({ memoryMiB }: Settings): number {
  return Math.max(memoryMiB - OUTSIDE_HEAP_MIB, Math.ceil(memoryMiB / 2));
}

/**
 * Translates rules of `net`. With `public` everything is allowed and private addresses are denied, except for listed ones.
 * Without it only listed destinations are allowed, and a name among them cannot resolve to a private address. Ranges in
 * `open` are not denied.
 */
export function netFlags(
  rules: readonly string[],
  ownAddresses: readonly string[],
  open: readonly string[] = [],
): NetFlags {
  const parsed = rules.map((rule) => parseNetRule(rule)).filter((rule) => rule !== undefined);
  const isPublic = parsed.some((rule) => rule.kind === "public");
  const own = ownAddresses.map((address) => (address.includes(":") ? `[${address}]` : `${address}/32`));
  // With `public` ports are not limited, so a rule for one port does not open a private address.
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

/** Returns the parts of `range` that none of `holes` covers, as ranges. */
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
