import type { Source } from "../../../platform/platform.ts";
import type { Adapters } from "../../program/build/choose-handler.ts";
import type { StartOrders } from "../../program/build/declared-start.ts";
import { readProgram } from "../../program/build/program-artifact.ts";
import type { Built, Entries } from "../../runtime.ts";
import { readProblem } from "./reported-problem.ts";
import type { Resolver } from "./resolver.ts";
import type { TaskRunner } from "./task-runner.ts";
import type { Task } from "./tasks.ts";

export interface BuildMeans {
  readonly runner: TaskRunner;
  readonly resolver: Resolver;
  /** What serves the handlers of programs. */
  readonly adapters: Adapters;
  readonly taskLimits: Pick<Task, "sourceBytes" | "artifactBytes">;
}

export interface BuildCall {
  readonly orders: Entries & StartOrders;
  readonly signal: AbortSignal;
  /** Called when a worker begins. */
  readonly onBegin: () => void;
}

/** Builds a source in a worker, and resolves the packages of a project. The worker is free meanwhile. */
export async function buildSource(means: BuildMeans, source: Source, call: BuildCall): Promise<Built> {
  const { resolver, runner, taskLimits } = means;
  const { signal, onBegin, orders } = call;
  const mayBeProgram = source.type !== "text/typescript" || orders.start?.runtime === "program";
  const served = mayBeProgram ? { adapters: means.adapters } : {};
  const task: Task = { ...taskLimits, type: source.type, ...orders, ...served };
  const { reply, body } = await runner.run({ task, source: source.bytes, onBegin }, signal);
  switch (reply.outcome) {
    case "module":
      return { artifact: { kind: "module", code: body } };
    case "project": {
      const code = await resolver.resolve({ entry: reply.entry, roots: reply.roots, files: body }, signal);
      return { artifact: { kind: "project", code }, ...(reply.settings ? { settings: reply.settings } : {}) };
    }
    case "program":
      return readProgram(reply, body);
    case "problem":
      throw readProblem(reply);
    default:
      throw new Error(`a build worker failed: ${reply.outcome === "fault" ? reply.message : reply.outcome}`);
  }
}
