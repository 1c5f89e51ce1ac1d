import type { Bundle, Source } from "../../../platform/platform.ts";
import type { Answer, Body } from "./build-worker.ts";
import type { DenoBundler } from "./deno-bundler.ts";
import { readProblem } from "./read-problem.ts";
import type { TaskRunner } from "./task-runner.ts";
import type { Task, TaskLimits } from "./tasks.ts";

export interface BuildMeans {
  readonly runner: TaskRunner;
  readonly bundler: DenoBundler;
  readonly taskLimits: TaskLimits;
  /** Where Deno sees the folder of its cache. */
  readonly directory: string;
}

export interface BuildCall {
  readonly signal: AbortSignal;
  /** Called when a worker begins with it. */
  readonly onBegin: () => void;
}

type TaskPart =
  | { readonly task: "build" }
  | { readonly task: "finish" }
  | { readonly task: "blame"; readonly specifier: string };

const NOTHING = new Uint8Array(0);

/**
 * Does what workers say is next, until there is a bundle or a problem. Between two steps no worker is held: Deno's
 * bundler may wait for a server.
 */
export async function buildSource(means: BuildMeans, source: Source, call: BuildCall): Promise<Bundle> {
  const { bundler, runner, taskLimits, directory } = means;
  const { signal, onBegin } = call;

  const perform = (part: TaskPart, printed: Body = NOTHING): Promise<Answer> => {
    const task: Task = { ...taskLimits, type: source.type, directory, ...part };
    return runner.run({ task, bodies: [source.bytes, printed], onBegin }, signal);
  };

  /** @throws Problem `build_failed` at the import, if it cannot be bundled by itself */
  const tryAlone = async (specifier: string): Promise<void> => {
    const module = Buffer.from(`import ${JSON.stringify(specifier)};\n`);
    await bundler.bundle(module, signal, async ({ body, isBundle }) => {
      if (!isBundle) bundleOf(await perform({ task: "blame", specifier }, body));
    });
  };

  const quick = await perform({ task: "build" });
  if (quick.reply.outcome !== "outside") return bundleOf(quick);
  return await bundler.bundle(quick.body, signal, async ({ body }) => {
    const answer = await perform({ task: "finish" }, body);
    if (answer.reply.outcome !== "ask") return bundleOf(answer);
    for (const specifier of answer.reply.specifiers) await tryAlone(specifier);
    // Each by itself is well: they fail together, and the first stands for all.
    return bundleOf(await perform({ task: "blame", specifier: answer.reply.specifiers[0] ?? "" }, body));
  });
}

/** @throws the problem that it is instead; Error for a fault of the worker */
function bundleOf({ reply, body }: Answer): Bundle {
  if (reply.outcome === "bundle") return { code: body };
  if (reply.outcome === "problem") throw readProblem(reply);
  throw new Error(`a build worker failed: ${reply.outcome === "fault" ? reply.message : reply.outcome}`);
}
