import { Problem } from "../../../platform/problems.ts";
import { formatMs } from "../../../platform/quantity.ts";
import { exactStart } from "../../../runtimes/start-order.ts";
import { type CommitOrder, type CommitServices, planCommit } from "./deploy-commit.ts";
import { explain } from "./explain.ts";
import type { FunctionPlan } from "./plan/tree-plan.ts";
import { diffLines } from "./words/diff-lines.ts";

/**
 * Builds what a commit would deploy, and stores nothing.
 * @throws Problem `push_refused`, always: git moves no ref
 */
export async function dryRun(order: CommitOrder, services: CommitServices): Promise<never> {
  const { say } = order;
  const { plan } = await planCommit(order, services);
  for (const warning of plan.warnings) say(`warning: ${warning}`);
  for (const each of plan.functions) await buildOnly(each, order, services);
  for (const { kind, name, action } of plan.objects) {
    if (action !== "unchanged") say(`${kind.noun} ${name}: would ${action}`);
  }
  throw new Problem("push_refused", "dry run: nothing was pushed");
}

async function buildOnly(
  plan: FunctionPlan,
  { say, signal }: CommitOrder,
  { builder, platform }: CommitServices,
): Promise<void> {
  const { name, versions, former, isUnchanged, diff } = plan;
  if (isUnchanged) return say(`${name}: unchanged`);
  const settings = (await platform.find(name))?.settings;
  for (const { known, order } of versions) {
    if (known !== undefined || order.source === undefined) continue;
    const startedAt = performance.now();
    try {
      const start = settings && { formerEntry: settings.entry, start: exactStart(settings) };
      await builder.build(order.source, { ...start, signal });
    } catch (error) {
      const lines = [...explain(error, plan), "dry run: nothing was pushed"];
      throw new Problem("push_refused", lines.join("\n"));
    }
    say(`${name}: built in ${formatMs(performance.now() - startedAt)}`);
  }
  for (const line of diffLines(name, diff)) say(line);
  say(former === undefined ? `${name} would be created` : `${name} would get a new version`);
}
