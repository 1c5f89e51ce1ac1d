/** Subcommands about runs. */
import { bytesOf } from "../../api/http.ts";
import { EXIT } from "../../failure.ts";
import { readData } from "../../input/request-parts.ts";
import { shown } from "../../output/output.ts";
import { pairs, table } from "../../output/table.ts";
import { ago, duration } from "../../output/time.ts";
import type { Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { flowPath, runPath } from "./flow-path.ts";

export interface RunDocument {
  readonly id: string;
  readonly flow: string;
  readonly version: number;
  readonly state: string;
  /** For what it waits, or what is tried again. */
  readonly status?: string;
  readonly step?: string;
  readonly error?: { readonly type: string; readonly message: string; readonly item?: number };
  readonly acceptedAt: string;
  readonly endedAt?: string;
  readonly by: string;
  readonly output?: unknown;
  readonly steps?: Readonly<Record<string, StepDocument>>;
}

interface Times {
  readonly startedAt?: string;
  readonly endedAt?: string;
}

interface StepDocument extends Times {
  readonly state: string;
  /** Of a step that was skipped. */
  readonly why?: string;
  readonly attempts: readonly Times[];
  /** Of a step that runs more than once. */
  readonly items?: { readonly total: number; readonly done: number };
  readonly error?: { readonly type: string; readonly message: string };
}

interface RunOptions {
  readonly data?: string;
  readonly wait?: boolean | string;
  readonly idempotencyKey?: string;
}

/** Begins a run. With `--wait` prints its output; a run that failed is exit code 6. */
export async function runFlow(task: Task<RunOptions>, name: string): Promise<number> {
  const { api, options, out, surroundings } = task;
  const { wait, idempotencyKey } = options;
  const body = (await readData(options.data, surroundings)) ?? Buffer.from("{}");
  const answer = await api.open(flowPath(name, "/run"), {
    method: "POST",
    query: wait === undefined ? {} : { wait: wait === true ? "5m" : String(wait) },
    headers: {
      "content-type": "application/json",
      ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
    },
    body,
  });
  const bytes = await bytesOf(answer);
  if (answer.status !== 202) {
    out.write(bytes);
    if (out.isTerminal && bytes.at(-1) !== 10) out.line("");
    return EXIT.ok;
  }
  const run = JSON.parse(bytes.toString()) as { id: string };
  out.result(run, () => [run.id]);
  if (!out.json) out.note(`The run goes on. \`skiff flow show ${name} ${run.id}\` shows what becomes of it.`);
  return EXIT.ok;
}

type ListOptions = Readonly<Record<"state" | "since" | "until" | "limit", string | undefined>>;

export async function listRuns({ api, options, out }: Task<ListOptions>, name: string): Promise<void> {
  const { state, since, until, limit = "20" } = options;
  const page = await api.json<{ runs: readonly RunDocument[]; next: string | null }>(flowPath(name, "/run"), {
    query: { state, since, until, limit },
  });
  const now = Date.now();
  out.result(page, () =>
    table([
      ["RUN", "STATE", "STEP", "VERSION", "BEGUN", "TOOK", "WHY"].map((head) => out.style("bold", head)),
      ...page.runs.map((run) => [
        ...[
          run.id,
          run.state,
          run.step ?? "-",
          String(run.version),
          ago(run.acceptedAt, now),
          tookOf(run, now),
        ],
        shown(run.error?.message ?? run.status).slice(0, 80),
      ]),
    ]),
  );
  if (page.next !== null && !out.json) out.note("There are more: use --limit, or --until with a time.");
}

function tookOf({ acceptedAt, endedAt }: RunDocument, now: number): string {
  return duration((endedAt === undefined ? now : Date.parse(endedAt)) - Date.parse(acceptedAt));
}

export async function showRun({ api, out }: Task, flow: string, id: string): Promise<void> {
  const run = await api.json<RunDocument>(runPath(flow, id));
  const { state, status, step, error, steps = {} } = run;
  const why = error === undefined ? status : `${error.type}: ${error.message}`;
  out.result(run, () => [
    ...pairs([
      ["run", id],
      ["flow", `${run.flow}, version ${run.version}`],
      [
        "state",
        why === undefined ? state : `${state}${step === undefined ? "" : ` at ${step}`}: ${shown(why)}`,
      ],
      ["by", shown(run.by)],
      ["begun", run.acceptedAt],
      ["ended", run.endedAt],
      ["output", run.output === undefined ? undefined : shown(JSON.stringify(run.output)).slice(0, 2_000)],
    ]),
    "",
    ...table([
      ["STEP", "STATE", "RUNS", "TOOK", "ERROR"].map((head) => out.style("bold", head)),
      ...Object.entries(steps).map(([name, each]) => [
        ...[name, each.why === undefined ? each.state : `${each.state} (${each.why})`],
        each.items === undefined
          ? String(each.attempts.length || "-")
          : `${each.items.done} of ${each.items.total}`,
        stepTook(each),
        shown(each.error === undefined ? "" : `${each.error.type}: ${each.error.message}`).slice(0, 100),
      ]),
    ]),
  ]);
}

/** The time of the last attempt, or that of all items together. */
export function stepTook(step: StepDocument): string {
  const { startedAt, endedAt } = step.items === undefined ? (step.attempts.at(-1) ?? step) : step;
  if (startedAt === undefined || endedAt === undefined) return "-";
  return duration(Date.parse(endedAt) - Date.parse(startedAt));
}

export async function printRunLogs({ api, out }: Task, flow: string, id: string): Promise<void> {
  const accept = out.json ? "application/x-ndjson" : "text/plain";
  out.write(await api.text(runPath(flow, id, "/logs"), { headers: { accept } }));
}

/** Returns the action of a subcommand that tells runs something. */
export function telling(verb: string, done: string) {
  return async (
    { api, options, out }: Task<Record<string, string | undefined>>,
    flow: string,
    ids: readonly string[],
  ) => {
    const { from, item, reason, functions } = options;
    for (const id of ids) {
      const answer = await api.json(runPath(flow, id, `/${verb}`), {
        method: "POST",
        query: { from, item, reason, functions },
      });
      out.result(answer, () => [`${id} ${done}.`]);
    }
  };
}

interface ApproveOptions {
  readonly comment?: string;
  readonly data?: string;
  readonly item?: string;
}

/** Returns the action of `approve` or `reject`. */
export function deciding(approved: boolean) {
  return async (
    task: Task<ApproveOptions>,
    ...[flow, id, step]: readonly [string, string, string]
  ): Promise<void> => {
    const { api, options, out, surroundings } = task;
    const { comment, item } = options;
    const data = await readData(options.data, surroundings);
    const body = { approved, comment, ...(data === undefined ? {} : { data: jsonOf(data.toString()) }) };
    const answer = await api.json(runPath(flow, id, "/approve"), {
      method: "POST",
      query: { step, item },
      body,
    });
    out.result(answer, () => [`${step} is ${approved ? "approved" : "rejected"}.`]);
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError('--data is no JSON: write it such as \'{"until": "friday"}\'.');
  }
}
