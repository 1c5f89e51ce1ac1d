import { parseNetRule } from "../../net-rule.ts";
import { covers, single } from "./address-range.ts";

/** A destination that a rule opens although it may be private. */
export interface Destination {
  /** `address/bits`, IPv4 or IPv6. */
  readonly range: string;
  /** All ports if absent. */
  readonly port?: number;
}

/** What a network lets through; rules that mean the same have the same plan. */
export interface Plan {
  /** Every public address. Names need it: which of them a function may use is up to Deno's flags. */
  readonly isPublic: boolean;
  /** Sorted, without repetition, without loopback. */
  readonly opened: readonly Destination[];
  /** Ports of this machine's 127.0.0.1 and ::1 that are open at the same address inside. */
  readonly loopback: "all" | readonly number[];
}

const LOOPBACK = ["127.0.0.1/32", "::1/128"];

/** @throws Error for a rule that parseNetRule does not know */
export function planFor(rules: readonly string[]): Plan {
  const parsed = rules.map((rule) => parseNetRule(rule) ?? fail(rule));
  const isPublic = parsed.some(({ kind }) => kind === "public");
  const destinations = parsed.flatMap((rule): Destination[] => {
    if (rule.kind === "public" || rule.kind === "name") return [];
    // The same as for Deno: beside `public` nothing limits the port, so one port opens nothing.
    if (isPublic && rule.port !== undefined) return [];
    // A zone names an interface that is not there inside.
    if (rule.kind === "ipv6" && rule.host.includes("%")) return [];
    const range = rule.kind === "range" ? `${rule.base}/${rule.bits}` : single(rule.host.slice(1, -1));
    return [{ range, ...(rule.port === undefined ? {} : { port: rule.port }) }];
  });
  const onLoopback = destinations.filter(({ range }) => LOOPBACK.some((address) => covers(range, address)));
  const elsewhere = destinations.filter(({ range }) => !isLoopback(range));
  return {
    isPublic: isPublic || parsed.some(({ kind }) => kind === "name"),
    opened: distinct(elsewhere),
    loopback: portsOf(onLoopback),
  };
}

/** Two plans with the same key let the same through. */
export function keyOf({ isPublic, opened, loopback }: Plan): string {
  const all = opened.map(nameOf);
  return [isPublic ? "public" : "", `loopback ${String(loopback)}`, ...all].join(" ");
}

function isLoopback(range: string): boolean {
  return covers("127.0.0.0/8", range) || range === "::1/128";
}

function portsOf(destinations: readonly Destination[]): Plan["loopback"] {
  const ports = destinations.map(({ port }) => port);
  if (ports.includes(undefined)) return "all";
  return [...new Set(ports as number[])].sort((a, b) => a - b);
}

function distinct(destinations: readonly Destination[]): Destination[] {
  const byName = new Map(destinations.map((each) => [nameOf(each), each]));
  return [...byName.keys()].sort().map((name) => byName.get(name)!);
}

function nameOf({ range, port }: Destination): string {
  return `${range} ${port ?? "*"}`;
}

function fail(rule: string): never {
  throw new Error(`${JSON.stringify(rule)} is not a network rule.`);
}
