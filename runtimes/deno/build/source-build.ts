import type { Artifact, Source } from "../../../platform/platform.ts";
import { PROBLEMS, Problem, type ProblemCode } from "../../../platform/problems.ts";
import type { Answer, Body } from "./build-worker.ts";
import type { DenoBundler } from "./deno-bundler.ts";
import type { TaskRunner } from "./task-runner.ts";
import type { Reply, Task, TaskLimits, TaskStep } from "./tasks.ts";

export interface BuildMeans {
  readonly runner: TaskRunner;
  readonly bundler: DenoBundler;
  readonly taskLimits: TaskLimits;
  /** Folder of Deno's cache, as Deno sees it. */
  readonly directory: string;
}

export interface BuildCall {
  readonly signal: AbortSignal;
  /** Called when a worker begins. */
  readonly onBegin: () => void;
}

/** Problems that a source can cause: a worker has no other to report. */
const CODES: readonly ProblemCode[] = ["build_failed", "invalid_source", "source_too_large"];
const NOTHING = new Uint8Array(0);

/**
 * Takes the steps that workers ask for, until there is a bundle or a problem. No worker is held between two steps, because
 * Deno's bundler may wait for a server.
 */
export async function buildSource(means: BuildMeans, source: Source, call: BuildCall): Promise<Artifact> {
  const { bundler, runner, taskLimits, directory } = means;
  const { signal, onBegin } = call;

  const perform = (step: TaskStep, printed: Body = NOTHING): Promise<Answer> => {
    const task: Task = { ...taskLimits, type: source.type, directory, ...step };
    return runner.run({ task, bodies: [source.bytes, printed], onBegin }, signal);
  };

  /** @throws Problem `build_failed` at the import, if it cannot be bundled by itself */
  const tryAlone = async (specifier: string): Promise<void> => {
    const module = Buffer.from(`import ${JSON.stringify(specifier)};\n`);
    await bundler.bundle(module, signal, async ({ body, isBundle }) => {
      if (!isBundle) artifactOf(await perform({ task: "blame", specifier }, body));
    });
  };

  const quick = await perform({ task: "build" });
  if (quick.reply.outcome !== "outside") return artifactOf(quick);
  return await bundler.bundle(quick.body, signal, async ({ body }) => {
    const answer = await perform({ task: "finish" }, body);
    if (answer.reply.outcome !== "ask") return artifactOf(answer);
    for (const specifier of answer.reply.specifiers) await tryAlone(specifier);
    // Each builds by itself, so they fail together: report the first.
    return artifactOf(await perform({ task: "blame", specifier: answer.reply.specifiers[0] ?? "" }, body));
  });
}

/** @throws the reported problem; Error if the worker is at fault */
function artifactOf({ reply, body }: Answer): Artifact {
  if (reply.outcome === "bundle") return { kind: "module", code: body };
  if (reply.outcome === "problem") throw readProblem(reply);
  throw new Error(`a build worker failed: ${reply.outcome === "fault" ? reply.message : reply.outcome}`);
}

/** Checks the problem that a worker reported: the source that it read may have taken it over. */
export function readProblem(reply: Extract<Reply, { outcome: "problem" }>): Problem {
  const { code, detail, extensions } = reply;
  const isKnown = CODES.includes(code) && PROBLEMS[code] !== undefined;
  if (!isKnown || typeof detail !== "string" || typeof extensions !== "object" || extensions === null) {
    throw new Error("a build worker reported an unknown problem");
  }
  const { errors, setting } = extensions;
  return new Problem(code as "build_failed", detail, {
    ...(Array.isArray(errors) ? { errors } : {}),
    ...(typeof setting === "string" ? { setting } : {}),
  });
}
