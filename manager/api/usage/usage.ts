import { requireAllFunctions, requireFunction } from "../../../http/access/principal.ts";
import { Problem } from "../../../platform/problems.ts";
import type { UsageColumn, UsageSum, Used } from "../../../store/store.ts";
import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { requireStore } from "../store.ts";
import { columns, format, instant, periodOf } from "./usage-query.ts";

/** Most rows of one answer. */
const MOST_ROWS = 100_000;
const NUMBERS = ["calls", "errors", "gbSeconds", "bytesOut"] as const satisfies readonly (keyof Used)[];

/** `GET /usage?by=&from=&to=&function=&key=&format=`: sums of the calls of whole hours, as JSON or CSV. */
export function answerUsage(services: Services): Handler {
  const text = (value: string | undefined) => value;
  const readers = { by: columns, from: instant, to: instant, function: text, key: text, format };
  return async (ctx) => {
    const { by, from, to, format: chosen, ...filters } = readParameters(ctx, readers);
    const { principal } = ctx.state;
    if (filters.function === undefined) requireAllFunctions(principal);
    else requireFunction(principal, filters.function);
    const period = periodOf(from, to, new Date());
    const { usage } = requireStore(services);
    const only = Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined));
    const sums = await usage.sum({ ...period, by, ...only, limit: MOST_ROWS + 1 });
    if (sums.length > MOST_ROWS) {
      const detail = `The answer would have more than ${MOST_ROWS} rows: ask for a shorter time or fewer columns.`;
      throw new Problem("invalid_request", detail);
    }
    const asCsv = chosen === "csv" || (chosen === undefined && ctx.accepts("json", "csv") === "csv");
    ctx.vary("accept");
    if (!asCsv) answerJson(ctx, { ...period, by, usage: sums, total: totalOf(sums) });
    else {
      ctx.set("content-type", "text/csv; charset=utf-8; header=present");
      ctx.body = csvOf(by, sums);
    }
  };
}

function totalOf(sums: readonly Used[]): Used {
  const total = { calls: 0, errors: 0, gbSeconds: 0, bytesOut: 0 };
  for (const sum of sums) for (const name of NUMBERS) total[name] += sum[name];
  return total;
}

/** Names of functions, ids of keys, numbers and times need no quotes (RFC 4180). */
function csvOf(by: readonly UsageColumn[], sums: readonly UsageSum[]): string {
  const cell = (value: UsageSum[UsageColumn]) => (value instanceof Date ? value.toISOString() : `${value}`);
  const rows = sums.map((sum) => [...by.map((name) => cell(sum[name])), ...NUMBERS.map((name) => sum[name])]);
  return [[...by, ...NUMBERS], ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}
