import type { Command } from "commander";
import { readData } from "../../input/request-parts.ts";
import { shown } from "../../output/output.ts";
import { table } from "../../output/table.ts";
import { ago } from "../../output/time.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import {
  declaredPath,
  listDeclared,
  posting,
  putDeclared,
  removing,
  showing,
  stateCell,
} from "./declared.ts";

interface AddOptions {
  readonly cron: string;
  readonly timeZone?: string;
  readonly function?: string;
  readonly topic?: string;
  readonly flow?: string;
  readonly request?: string;
  readonly path?: string;
  readonly data?: string;
  readonly overlap?: string;
  readonly missed?: string;
  readonly jitter?: string;
}

const EXAMPLES = `
Examples:
  skiff schedule add nightly --cron '0 3 * * *' --time-zone Europe/Berlin --function report
  skiff schedule add tick --cron '@every 90s' --topic ticks
  skiff schedule
  skiff schedule run nightly
  skiff schedule firings nightly`;

export function addSchedule(program: Command, surroundings: Surroundings): void {
  const schedule = program
    .command("schedule")
    .summary("call a function, begin a run or publish an event at times")
    .description(
      "Calls functions, begins runs of flows and publishes events at times, which a cron expression gives.",
    )
    .helpCommand(false)
    .addHelpText("after", EXAMPLES);
  const add = (name: string, description: string) => schedule.command(name).description(description);
  const withName = (name: string, description: string) =>
    add(name, description).argument("<schedule>", "name of the schedule");
  schedule
    .command("list", { isDefault: true })
    .description("Lists the schedules.")
    .action(action(surroundings, listSchedules));
  withName("add", "Creates a schedule, or replaces it.")
    .alias("put")
    .requiredOption(
      "--cron <expression>",
      "five fields, six with seconds, @hourly and the like, or @every 90s",
    )
    .option("--time-zone <zone>", "time zone, such as Europe/Berlin; UTC by default")
    .option("--function <name>", "the function that is called")
    .option("--topic <name>", "the topic to which an event is published instead")
    .option("--flow <name>", "the flow of which a run begins instead")
    .option("-X, --request <method>", "method of the call; POST by default")
    .option("--path <path>", "path of the call; / by default")
    .option(
      "-d, --data <data>",
      "body of the call, data of the event or input of the run; @FILE reads a file",
    )
    .option("--overlap <what>", "while a call or a run of it lasts: skip (default), queue or allow")
    .option("--missed <what>", "times at which nothing ran: once (default), skip or all")
    .option("--jitter <time>", "each firing is late by up to this time, such as 30s")
    .action(action(surroundings, addOne));
  withName("show", "Shows a schedule and its next ten times.").action(
    action(surroundings, showing("schedule")),
  );
  withName("run", "Fires now, besides its times.").action(action(surroundings, runNow));
  withName("firings", "Lists what became of its last times.").action(action(surroundings, listFirings));
  withName("pause", "Fires nothing until it is resumed.").action(
    action(surroundings, posting("schedule", "pause", "is paused")),
  );
  withName("resume", "Fires again.").action(action(surroundings, posting("schedule", "resume", "goes on")));
  add("remove", "Removes schedules.")
    .alias("delete")
    .argument("<schedules...>", "names of the schedules")
    .action(action(surroundings, removing("schedule")));
}

async function listSchedules({ api, out }: Task): Promise<void> {
  const schedules = await listDeclared(api, "schedule");
  const now = Date.now();
  out.result({ schedules }, () =>
    table([
      ["NAME", "CRON", "ZONE", "TO", "NEXT", "LAST", "OUTCOME"].map((head) => out.style("bold", head)),
      ...schedules.map((each) => {
        const { name, spec, next = [], faults } = each;
        const last = each.state?.lastAt as string | undefined;
        const upcoming =
          faults !== undefined ? "invalid" : spec.paused === true ? "paused" : (next[0] ?? "never");
        return [
          ...[name, shown(spec.cron), shown(spec.timeZone ?? "UTC"), targetOf(spec), upcoming],
          ...[ago(last, now) || "-", stateCell(each, "lastOutcome")],
        ];
      }),
    ]),
  );
  if (schedules.length === 0 && !out.json) {
    out.note(
      "There are no schedules. `skiff schedule add NAME --cron '0 3 * * *' --function NAME` makes one.",
    );
  }
}

function targetOf(spec: Readonly<Record<string, unknown>>): string {
  const { call, event, run } = spec as {
    call?: { function?: string };
    event?: { topic?: string };
    run?: { flow?: string };
  };
  if (run !== undefined) return shown(`flow ${run.flow ?? ""}`);
  return shown(call?.function ?? `topic ${event?.topic ?? ""}`);
}

async function addOne(task: Task<AddOptions>, name: string): Promise<void> {
  const { options, surroundings } = task;
  const { cron, timeZone, function: called, topic, flow, request: method, path } = options;
  const { overlap, missed, jitter } = options;
  if ([called, topic, flow].filter((target) => target !== undefined).length !== 1) {
    throw new UsageError("Name what happens at the times: --function NAME, --topic NAME or --flow NAME.");
  }
  const text = (await readData(options.data, surroundings))?.toString();
  const data = text === undefined ? undefined : parsed(text);
  const call = called === undefined ? undefined : { function: called, method, path, body: data };
  const event = topic === undefined ? undefined : { topic, data };
  const run = flow === undefined ? undefined : { flow, input: data };
  const target = { call, event, run };
  const spec = { cron, timeZone, ...target, overlap, missed, jitter };
  await putDeclared(task, "schedule", { name, spec });
}

/** JSON is sent as JSON, everything else as text. */
function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}

async function runNow({ api, out }: Task, name: string): Promise<void> {
  const answer = await api.json<{ call?: string; event?: string; position?: number }>(
    declaredPath("schedule", name, "/run"),
    { method: "POST" },
  );
  out.result(answer, () => [answer.call ?? answer.event ?? ""]);
  if (!out.json && answer.call !== undefined) {
    out.note(`The call waits. \`skiff calls show ${answer.call}\` shows what becomes of it.`);
  }
}

interface Firing {
  readonly at: string;
  readonly firedAt: string;
  readonly outcome: string;
  readonly call?: string;
}

async function listFirings({ api, out }: Task, name: string): Promise<void> {
  const page = await api.json<{ firings: readonly Firing[] }>(declaredPath("schedule", name, "/firings"));
  out.result(page, () =>
    table([
      ["AT", "FIRED", "OUTCOME", "CALL"].map((head) => out.style("bold", head)),
      ...page.firings.map(({ at, firedAt, outcome, call }) => [at, firedAt, shown(outcome), call ?? "-"]),
    ]),
  );
}
