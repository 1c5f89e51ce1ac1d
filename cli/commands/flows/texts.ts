/** Subcommands about the texts of flows. */

import { ApiProblem } from "../../api/problem.ts";
import { EXIT } from "../../failure.ts";
import { shown } from "../../output/output.ts";
import { pairs, table } from "../../output/table.ts";
import { ago } from "../../output/time.ts";
import { printWarnings } from "../../output/warnings.ts";
import type { Task } from "../../task.ts";
import { colouredDiff } from "../versions/diff.ts";
import { flowPath } from "./flow-path.ts";
import { faultLines, readFlow, requireFlow } from "./read-flow.ts";

type Members = Readonly<Record<string, unknown>>;

/** What `GET /flow/NAME` answers. */
interface FlowDocument {
  readonly name: string;
  readonly description?: string;
  readonly version?: number;
  readonly on?: {
    readonly http?: object;
    readonly topics?: readonly object[];
    readonly crons?: readonly object[];
  };
  readonly runs?: Readonly<Record<string, number>>;
  readonly faults?: readonly Members[];
  readonly warnings?: readonly string[];
  readonly triggers?: {
    readonly topics: readonly { readonly topic: string; readonly lag?: number | null }[];
    readonly crons: readonly { readonly next: readonly string[] }[];
  };
  readonly updatedAt: string;
}

/** Names and counts of what begins runs. */
function triggersOf({ on = {} }: FlowDocument): string {
  const { http, topics = [], crons = [] } = on;
  const found = [http && "http", topics.length > 0 && "topic", crons.length > 0 && "cron"];
  return found.filter(Boolean).join(", ") || "-";
}

/** Events of each topic that began no run yet. */
function lagOf({ triggers }: FlowDocument): string | undefined {
  const known = triggers?.topics.filter(({ lag }) => lag !== undefined && lag !== null) ?? [];
  return known.map(({ topic, lag }) => `${topic} ${lag}`).join(", ") || undefined;
}

export async function listFlows({ api, out }: Task): Promise<void> {
  const flows = await api.all<FlowDocument>("/flow", "flows");
  const now = Date.now();
  out.result({ flows }, () =>
    table([
      ["NAME", "VERSION", "ON", "LIVE", "DONE", "FAILED", "CHANGED"].map((head) => out.style("bold", head)),
      ...flows.map((flow) => {
        const {
          queued = 0,
          running = 0,
          waiting = 0,
          retrying = 0,
          paused = 0,
          done = 0,
          failed = 0,
        } = flow.runs ?? {};
        const version = flow.faults === undefined ? String(flow.version ?? "-") : "invalid";
        const live = queued + running + waiting + retrying + paused;
        return [
          flow.name,
          version,
          triggersOf(flow),
          ...[live, done, failed].map(String),
          ago(flow.updatedAt, now),
        ];
      }),
    ]),
  );
  if (flows.length === 0 && !out.json)
    out.note("There are no flows. `skiff flow deploy FILE.yaml` makes one.");
}

export async function validateFlows({ out, surroundings }: Task, paths: readonly string[]): Promise<number> {
  const flows = await Promise.all(paths.map((path) => readFlow(path, surroundings)));
  const results = flows.map((flow) => ({
    file: flow.path,
    flow: flow.name,
    faults: "faults" in flow ? (flow.faults ?? []) : [],
  }));
  out.result({ flows: results }, () =>
    results.flatMap(({ file, flow, faults }) =>
      faults.length === 0 ? [`${file}: the flow ${flow} is valid.`] : faultLines(file, faults),
    ),
  );
  return results.every(({ faults }) => faults.length === 0) ? EXIT.ok : EXIT.refused;
}

interface DeployOptions {
  readonly name?: string;
  readonly message?: string;
  readonly dryRun?: boolean;
}

interface Deployed {
  readonly name: string;
  readonly version?: number;
  readonly created: boolean;
  readonly unchanged: boolean;
  readonly warnings?: readonly string[];
}

export async function deployFlows(task: Task<DeployOptions>, paths: readonly string[]): Promise<void> {
  const { api, options, out, surroundings } = task;
  const { name: given, message, dryRun } = options;
  for (const path of paths) {
    const { name, text } = await requireFlow(path, surroundings);
    const answer = await api
      .json<Deployed>(flowPath(given ?? name), {
        method: "PUT",
        query: { message, ...(dryRun ? { dryRun: "" } : {}) },
        headers: { "content-type": path.endsWith(".json") ? "application/json" : "application/yaml" },
        body: Buffer.from(text),
      })
      .catch((error: unknown) => {
        throw withLines(error, path);
      });
    const what = answer.created ? "created" : answer.unchanged ? "unchanged" : "changed";
    const version = answer.version === undefined ? "" : `, version ${answer.version}`;
    out.result(answer, () => [`The flow ${answer.name} ${dryRun ? "would be" : "is"} ${what}${version}.`]);
    printWarnings(out, answer.warnings);
  }
}

/** The faults that only the Skiff finds, such as those of its own limits. */
function withLines(error: unknown, path: string): unknown {
  if (!(error instanceof ApiProblem) || error.code !== "invalid_flow") return error;
  const faults = (error.document.errors ?? []) as {
    line: number;
    column: number;
    message: string;
    lineText: string;
  }[];
  return new ApiProblem(error.status, error.document, faultLines(path, faults).join("\n"));
}

export async function showFlow({ api, out }: Task, name: string): Promise<void> {
  const flow = await api.json<FlowDocument>(flowPath(name));
  const runs = Object.entries(flow.runs ?? {}).flatMap(([state, count]) =>
    count > 0 ? [`${count} ${state}`] : [],
  );
  out.result(flow, () =>
    pairs([
      ["name", flow.name],
      ["description", flow.description && shown(flow.description)],
      ["version", flow.version === undefined ? undefined : String(flow.version)],
      ["on", triggersOf(flow)],
      ["next", flow.triggers?.crons.flatMap(({ next }) => next.slice(0, 1)).join(", ") || undefined],
      ["lag", lagOf(flow)],
      ["runs", runs.join(", ") || "none"],
      ["faults", flow.faults && shown(flow.faults.map(({ message }) => message).join(" "))],
      ["warnings", flow.warnings && shown(flow.warnings.join(" "))],
      ["changed", flow.updatedAt],
    ]),
  );
}

export async function printSource({ api, out }: Task, name: string): Promise<void> {
  const text = await api.text(flowPath(name, "/source"));
  out.result({ source: text }, () => text.replace(/\n$/, "").split("\n").map(shown));
}

export async function removeFlows(
  { api, options, out }: Task<{ cancelRuns?: boolean }>,
  names: readonly string[],
) {
  for (const name of names) {
    const query = options.cancelRuns ? { runs: "cancel" } : {};
    const answer = await api.json(flowPath(name), { method: "DELETE", query });
    out.result(answer, () => [`Removed the flow ${name}.`]);
  }
}

interface Version {
  readonly version: number;
  readonly createdAt: string;
  readonly by: string;
  readonly message?: string;
  readonly current: boolean;
}

export async function listVersions({ api, out }: Task, name: string): Promise<void> {
  const page = await api.json<{ versions: readonly Version[] }>(flowPath(name, "/versions"));
  const now = Date.now();
  out.result(page, () =>
    table([
      ["VERSION", "DEPLOYED", "BY", "MESSAGE"].map((head) => out.style("bold", head)),
      ...page.versions.map(({ version, current, createdAt, by, message }) => [
        `${version}${current ? " current" : ""}`,
        ago(createdAt, now),
        shown(by),
        shown(message),
      ]),
    ]),
  );
}

export async function diffVersions(
  { api, out }: Task,
  name: string,
  from?: string,
  to?: string,
): Promise<void> {
  const diff = await api.text(flowPath(name, "/diff"), { query: { from, to } });
  out.result({ diff }, () => colouredDiff(diff, out));
  if (diff === "" && !out.json) out.note("The versions are equal.");
}

export async function rollBack({ api, options, out }: Task<{ to?: string }>, name: string): Promise<void> {
  const answer = await api.json<{ version: number }>(flowPath(name, "/rollback"), {
    method: "POST",
    query: { to: options.to },
  });
  out.result(answer, () => [`New runs of ${name} are of version ${answer.version}.`]);
}
