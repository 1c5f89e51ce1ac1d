import type { Command } from "commander";

export type FilterOptions = Readonly<Record<string, string | undefined>>;

/** Which calls a command concerns, as the API names it. */
const FILTERS: readonly (readonly [flag: string, description: string])[] = [
  ["function <name>", "only calls of a function"],
  ["state <states>", "waiting, running, done, dead or cancelled; several with commas"],
  ["topic <name>", "only deliveries of a topic"],
  ["subscription <name>", "only deliveries of a subscription"],
  ["schedule <name>", "only calls of a schedule"],
  ["since <time>", "accepted from a time on: 15m, 2h, 3d, or 2026-11-29T14:00:00Z"],
  ["until <time>", "accepted before a time"],
];

export function withFilters(command: Command): Command {
  for (const [flag, description] of FILTERS) command.option(`--${flag}`, description);
  return command;
}

/** Returns the parameters of the query. */
export function filterOf(options: FilterOptions): Readonly<Record<string, string>> {
  const names = FILTERS.map(([flag]) => flag.split(" ")[0]!);
  const given = names.flatMap((name) =>
    options[name] === undefined ? [] : [[name, options[name]] as const],
  );
  return Object.fromEntries(given);
}
