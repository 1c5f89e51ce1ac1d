import type { Command } from "commander";
import { shown } from "../../output/output.ts";
import { table } from "../../output/table.ts";
import { action, type Surroundings, type Task } from "../../task.ts";

interface Used extends Readonly<Record<string, unknown>> {
  readonly calls: number;
  readonly errors: number;
  readonly gbSeconds: number;
  readonly bytesOut: number;
}

interface Usage {
  readonly from: string;
  readonly to: string;
  readonly by: readonly string[];
  readonly usage: readonly Used[];
  readonly total: Used;
}

interface UsageOptions {
  readonly by?: string;
  readonly from?: string;
  readonly to?: string;
  readonly function?: string;
  readonly csv?: boolean;
}

const EXAMPLES = `
Examples:
  skiff usage
  skiff usage --by function,version --from 2026-11-01
  skiff usage --by key,hour --csv > usage.csv`;

export function addUsage(program: Command, surroundings: Surroundings): void {
  program
    .command("usage")
    .summary("show calls, errors, GB-seconds and bytes")
    .description("Shows what was used, of this month by default.")
    .option("--by <columns>", "function (the default), key, version, hour; several with commas")
    .option("--from <time>", "a date or a time")
    .option("--to <time>", "the end, which is excluded")
    .option("--function <name>", "only the calls of this function")
    .option("--csv", "print CSV")
    .addHelpText("after", EXAMPLES)
    .action(action(surroundings, runUsage));
}

async function runUsage({ api, options, out }: Task<UsageOptions>): Promise<void> {
  const { by, from, to, function: only, csv } = options;
  const query = { by, from, to, function: only, format: csv ? "csv" : "json" };
  if (csv) return out.write(await api.text("/usage", { query }));
  const answer = await api.json<Usage>("/usage", { query });
  out.result(answer, () => {
    const row = (used: Used, names: readonly string[]) => [
      ...names,
      ...[used.calls, used.errors].map((each) => each.toLocaleString("en")),
      used.gbSeconds.toLocaleString("en", { maximumFractionDigits: 3 }),
      size(used.bytesOut),
    ];
    return table([
      [...answer.by.map((name) => name.toUpperCase()), "CALLS", "ERRORS", "GB-SECONDS", "BYTES OUT"].map(
        (head) => out.style("bold", head),
      ),
      ...answer.usage.map((used) =>
        row(
          used,
          answer.by.map((name) => shown(used[name]) || "-"),
        ),
      ),
      row(
        answer.total,
        answer.by.map((_, at) => (at === 0 ? "total" : "")),
      ),
    ]);
  });
  if (!out.json) out.note(`From ${answer.from} to ${answer.to}.`);
}

function size(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const at = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${Math.round((bytes / 1024 ** at) * 10) / 10} ${units[at]}`;
}
