import type { Command } from "commander";
import { type FunctionDescription, functionPath } from "../../api/functions.ts";
import { type Output, shown } from "../../output/output.ts";
import { pairs, table } from "../../output/table.ts";
import { ago, duration } from "../../output/time.ts";
import { action, type Surroundings, type Task } from "../../task.ts";

export function addDescribe(program: Command, surroundings: Surroundings): void {
  program
    .command("describe")
    .summary("show whether a function can be called, and why not")
    .description("Shows the state, traffic, instances, settings and last errors of a function.")
    .argument("<function>", "name of the function")
    .addHelpText("after", "\nExamples:\n  skiff describe hello\n  skiff describe hello --json")
    .action(action(surroundings, runDescribe));
}

async function runDescribe({ api, out }: Task, name: string): Promise<void> {
  const found = await api.json<FunctionDescription>(functionPath(name));
  out.result(found, () => description(found, out));
}

function description(found: FunctionDescription, out: Output): string[] {
  const now = Date.now();
  const title = (text: string) => ["", out.style("bold", text)];
  const { settings, instances, lastErrors, lastFailures = [], lastDeploys = [], lastHour } = found;
  return [
    ...pairs([
      ["name", found.name],
      ["url", found.url],
      ["state", stateOf(found, out)],
      ["version", `${found.version} (of ${found.versions.length} kept)`],
      [
        "traffic",
        found.traffic.map(({ version, weight }) => share(version, weight, found.traffic)).join(", "),
      ],
      ["runtime", runtimeText(found)],
      ["isolation", isolationText(settings)],
      ["sandbox", found.isolation && shown(found.isolation.files)],
      ["network", found.isolation && shown(found.isolation.network)],
      ["updated", ago(found.updatedAt, now)],
      ["last hour", lastHour && lastHourText(lastHour)],
      ["async calls", found.async && asyncText(found.async)],
      ...(found.schedules ?? []).map(
        ({ cron, next }) => ["cron", `${shown(cron)}, next ${next[0] ?? "never"}`] as const,
      ),
    ]),
    ...title("Instances"),
    ...(instances.length === 0
      ? ["  none: the next call starts one"]
      : indented(
          instances.map(({ id, version, state, startedAt, memoryMiB }) => [
            ...[id, `v${version}`, state, ago(startedAt, now)],
            memoryMiB === undefined ? "" : `${memoryMiB} MiB`,
          ]),
        )),
    ...title("Settings"),
    ...indented(Object.entries(settings).map(([key, value]) => [key, plain(value)])),
    ...section(
      title("Last deploys"),
      table(
        lastDeploys.map(({ version, at, by, message }) => [
          ...[`v${version}`, ago(String(at), now), shown(by), shown(message)],
        ]),
      ),
    ),
    ...section(
      title("Failed calls"),
      table(
        lastFailures.map(({ version, at, callId, text }) => [
          ...[`v${version ?? "-"}`, ago(String(at), now), shown(callId ?? "-"), shown(text)],
        ]),
      ),
    ),
    ...section(title("Last errors"), lastErrors.map(plain)),
  ];
}

/** What is started, and how; undefined for Deno. */
function runtimeText({ settings, image }: FunctionDescription): string | undefined {
  const { runtime = "deno", program = {} } = settings;
  if (runtime === "deno") return undefined;
  const { command, handler, mode, cgi } = program;
  const parts = [
    image && `${image.image} (${image.digest})`,
    mode && `mode ${mode}`,
    cgi && "CGI",
    handler && `handler ${handler}`,
    command &&
      `command ${command.map((word) => (/^[\w./:=@-]+$/.test(word) ? word : JSON.stringify(word))).join(" ")}`,
  ];
  const known = parts.filter((part) => part !== undefined && part !== false);
  return shown([runtime, ...known].join(", "));
}

/** Undefined where an instance takes many calls. */
function isolationText({ isolation, pool }: FunctionDescription["settings"]): string | undefined {
  return isolation === "call" ? `an instance for each call, ${pool} kept ready` : undefined;
}

function lastHourText({ calls, errors, p50Ms, p95Ms }: NonNullable<FunctionDescription["lastHour"]>): string {
  const times = typeof p50Ms === "number" && typeof p95Ms === "number";
  return `${calls} calls, ${errors} errors${times ? `, p50 ${duration(p50Ms)}, p95 ${duration(p95Ms)}` : ""}`;
}

function asyncText({ waiting, running, dead }: NonNullable<FunctionDescription["async"]>): string {
  return `${waiting} waiting, ${running} running, ${dead} dead`;
}

function section(title: readonly string[], lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [...title, ...lines.map((line) => `  ${line.replaceAll("\n", "\n  ")}`)];
}

function stateOf({ state, notReady, ready }: FunctionDescription, out: Output): string {
  const reason = state?.reason ?? (typeof notReady === "string" ? notReady : notReady && plain(notReady));
  const canCall = state?.canCall ?? !reason;
  const text = canCall ? `can be called${ready === 0 ? ", idle" : ""}` : "cannot be called";
  return `${out.style(canCall ? "green" : "red", text)}${reason ? `: ${shown(reason)}` : ""}`;
}

function share(version: number, weight: number, traffic: FunctionDescription["traffic"]): string {
  const total = traffic.reduce((sum, each) => sum + each.weight, 0);
  return `v${version} ${Math.round((weight / total) * 1_000) / 10} %`;
}

function indented(rows: readonly (readonly string[])[]): string[] {
  return table(rows).map((line) => `  ${line}`);
}

/** A value on one line: `a=1 b=2` for an object, `-` for nothing. */
function plain(value: unknown): string {
  if (value === null || value === undefined || value === "") return "-";
  if (Array.isArray(value)) return value.length === 0 ? "-" : value.map(plain).join(", ");
  if (typeof value !== "object") return shown(value);
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .filter(([, member]) => member !== null && member !== undefined);
  return members.length === 0
    ? "-"
    : members.map(([name, member]) => `${shown(name)}=${plain(member)}`).join(" ");
}
