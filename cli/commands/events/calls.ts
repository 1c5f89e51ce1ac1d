import type { Command } from "commander";
import { type CallDocument, callPath } from "../../api/calls.ts";
import { shown } from "../../output/output.ts";
import { table } from "../../output/table.ts";
import { ago } from "../../output/time.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { type FilterOptions, filterOf, withFilters } from "./call-filter.ts";
import { printLogs, printResult, showCall, targetOf } from "./show-call.ts";

const EXAMPLES = `
Examples:
  skiff calls --function resize --state dead
  skiff calls show 019acf7b2c5d7a3f9d1be44a1c0f6e52
  skiff calls result 019acf7b2c5d7a3f9d1be44a1c0f6e52 > small.jpg
  skiff calls retry --function resize --since 2h
  skiff calls cancel 019acf7b2c5d7a3f9d1be44a1c0f6e52
  skiff calls purge --state done,dead --until 3d`;

export function addCalls(program: Command, surroundings: Surroundings): void {
  const calls = program
    .command("calls")
    .summary("show, retry, cancel and remove asynchronous calls")
    .description("Shows asynchronous calls, and what became of them.")
    .helpCommand(false)
    .addHelpText("after", EXAMPLES);
  const add = (name: string, description: string) => calls.command(name).description(description);
  withFilters(calls.command("list", { isDefault: true }))
    .description("Lists calls, newest first.")
    .option("-n, --limit <calls>", "most calls; 20 by default")
    .action(action(surroundings, listCalls));
  add("show", "Shows a call: request, attempts and outcome.")
    .argument("<id>", "id of the call")
    .action(action(surroundings, showCall));
  add("result", "Prints what the function answered.")
    .argument("<id>", "id of the call")
    .action(action(surroundings, printResult));
  add("logs", "Prints what the function printed in all attempts.")
    .argument("<id>", "id of the call")
    .action(action(surroundings, printLogs));
  withFilters(add("retry", "Lets dead calls wait again, with all their attempts anew."))
    .argument("[ids...]", "ids of calls; without them options say which")
    .action(action(surroundings, retryCalls));
  add("cancel", "Cancels calls that wait.")
    .argument("<ids...>", "ids of calls")
    .action(action(surroundings, cancelCalls));
  withFilters(add("purge", "Removes records of ended calls, and cancels calls with --state waiting.")).action(
    action(surroundings, purgeCalls),
  );
}

async function listCalls({ api, options, out }: Task<FilterOptions>): Promise<void> {
  const query = { ...filterOf(options), limit: options.limit ?? "20" };
  const page = await api.json<{ calls: readonly CallDocument[]; next: string | null }>("/call", { query });
  const now = Date.now();
  out.result(page, () =>
    table([
      ["ID", "STATE", "FUNCTION", "ATTEMPTS", "ACCEPTED", "REASON"].map((head) => out.style("bold", head)),
      ...page.calls.map((call) => [
        ...[call.id, call.state, targetOf(call), String(call.attempts.length)],
        ...[ago(call.acceptedAt, now), shown(call.reason).slice(0, 80)],
      ]),
    ]),
  );
  if (page.next !== null && !out.json) out.note("There are more: use --limit, or --until with a time.");
}

async function retryCalls({ api, options, out }: Task<FilterOptions>, ids: readonly string[]): Promise<void> {
  const query = filterOf(options);
  if (ids.length === 0) {
    const answer = await api.json<{ retried: number; more: boolean }>("/call/retry", {
      method: "POST",
      query,
    });
    out.result(answer, () => [`${answer.retried} calls wait again.${answer.more ? " There are more." : ""}`]);
    return;
  }
  if (Object.keys(query).length > 0)
    throw new UsageError("Give ids of calls or options that choose them, not both.");
  for (const id of ids) {
    const answer = await api.json(callPath(id, "/retry"), { method: "POST" });
    out.result(answer, () => [`${id} waits again.`]);
  }
}

async function cancelCalls({ api, out }: Task, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const { state } = await api.json<CallDocument>(callPath(id));
    // The same request would remove the record of a call that has ended.
    if (state !== "waiting")
      throw new UsageError(`The call ${id} is ${state}: only calls that wait can be cancelled.`);
    const answer = await api.json(callPath(id), { method: "DELETE" });
    out.result(answer, () => [`Cancelled ${id}.`]);
  }
}

async function purgeCalls({ api, options, out }: Task<FilterOptions>): Promise<void> {
  const query = filterOf(options);
  if (query.state === undefined)
    throw new UsageError("Say which calls to remove: --state done,dead,cancelled.");
  const answer = await api.json<{ cancelled: number; removed: number; more: boolean }>("/call", {
    ...{ method: "DELETE", query },
  });
  const { cancelled, removed, more } = answer;
  out.result(answer, () => [
    `${removed} records removed, ${cancelled} calls cancelled.${more ? " There are more." : ""}`,
  ]);
}
