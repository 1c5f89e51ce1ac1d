import type { Command } from "commander";
import { functionPath } from "../../api/functions.ts";
import { pairs } from "../../output/table.ts";
import { printWarnings } from "../../output/warnings.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { percentage } from "./versions.ts";

interface Traffic {
  readonly weights: Readonly<Record<string, number>>;
  readonly sticky?: Readonly<Record<string, string>>;
  readonly guard?: Readonly<Record<string, number>>;
  readonly previous?: number;
  readonly warnings?: readonly string[];
}

interface TrafficOptions {
  readonly stickyCookie?: string;
  readonly stickyHeader?: string;
  readonly guardErrors?: string;
  readonly guardSlowdown?: string;
  readonly guardCalls?: string;
}

const EXAMPLES = `
Examples:
  skiff traffic hello                                  (shows it)
  skiff traffic hello 3=90 4=10
  skiff traffic hello 3=90 4=10 --sticky-cookie visitor
  skiff traffic hello 3=90 4=10 --guard-errors 0.05 --guard-calls 200
  skiff traffic hello 4                                (all calls)`;

export function addTraffic(program: Command, surroundings: Surroundings): void {
  program
    .command("traffic")
    .summary("show or share the calls among versions")
    .description("Shows which versions take the calls of a function, or shares the calls by weight.")
    .argument("<function>", "name of the function")
    .argument("[weights...]", "VERSION=WEIGHT")
    .option("--sticky-cookie <name>", "calls with the same value of a cookie go to the same version")
    .option("--sticky-header <name>", "the same with a header")
    .option(
      "--guard-errors <rate>",
      "take a fresh version back if its error rate is larger by more, such as 0.05",
    )
    .option("--guard-slowdown <factor>", "take it back if its p95 is so many times as long, such as 2")
    .option("--guard-calls <n>", "calls after which it has passed")
    .addHelpText("after", EXAMPLES)
    .action(action(surroundings, runTraffic));
}

async function runTraffic(task: Task<TrafficOptions>, name: string, given: readonly string[]): Promise<void> {
  const { api, options, out } = task;
  const path = functionPath(name, "/traffic");
  const rules = rulesOf(options);
  if (given.length === 0 && Object.keys(rules).length > 0) {
    throw new UsageError("Rules need weights: give VERSION=WEIGHT, such as 3=90 4=10.");
  }
  const body = { weights: Object.fromEntries(given.map(weight)), ...rules };
  const traffic = await api.json<Traffic>(path, given.length === 0 ? {} : { method: "PUT", body });
  out.result(traffic, () => lines(traffic));
  printWarnings(out, traffic.warnings);
}

function lines({ weights, sticky, guard, previous }: Traffic): string[] {
  const total = Object.values(weights).reduce((sum, each) => sum + each, 0);
  const members = (value: object | undefined) =>
    value &&
    Object.entries(value)
      .map(([key, member]) => `${key} ${member}`)
      .join(", ");
  return pairs([
    ...Object.entries(weights).map(
      ([version, value]) => [`version ${version}`, percentage(value / total)] as const,
    ),
    ["sticky", members(sticky)],
    ["guard", members(guard)],
    ["rollback", previous === undefined ? undefined : `to version ${previous}`],
  ]);
}

function rulesOf(options: TrafficOptions): object {
  const { stickyCookie, stickyHeader, guardErrors, guardSlowdown, guardCalls } = options;
  const sticky = {
    ...(stickyCookie === undefined ? {} : { cookie: stickyCookie }),
    ...(stickyHeader === undefined ? {} : { header: stickyHeader }),
  };
  const guard = {
    ...(guardErrors === undefined ? {} : { errorRate: number("--guard-errors", guardErrors) }),
    ...(guardSlowdown === undefined ? {} : { slowdown: number("--guard-slowdown", guardSlowdown) }),
    ...(guardCalls === undefined ? {} : { calls: number("--guard-calls", guardCalls) }),
  };
  return {
    ...(Object.keys(sticky).length === 0 ? {} : { sticky }),
    ...(Object.keys(guard).length === 0 ? {} : { guard }),
  };
}

function weight(text: string): [version: string, weight: number] {
  const [version = "", value = "100", ...more] = text.split("=");
  if (/^\d+$/.test(version) && more.length === 0) return [version, number(text, value)];
  throw new UsageError(`${text} is not a share of the calls: use VERSION=WEIGHT, such as 3=90.`);
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new UsageError(`${name} needs a number: ${text} is none.`);
}
