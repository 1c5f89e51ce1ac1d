import type { Command } from "commander";
import { action, type Surroundings, type Task } from "../../task.ts";

const OPTIONS: readonly (readonly [name: string, value: string, description: string])[] = [
  ["host", "host", "address to listen on, 127.0.0.1 by default (SKIFF_HOST)"],
  ["port", "port", "port to listen on, 8080 by default; 0 selects a free port (SKIFF_PORT)"],
  ["data", "dir", "folder of all persistent data, ./data by default (SKIFF_DATA)"],
  ["workers", "n", "processes that answer calls, 1 by default (SKIFF_WORKERS)"],
  ["dashboard-port", "port", "port of the dashboard, 8081 by default (SKIFF_DASHBOARD_PORT)"],
];

export function addServe(program: Command, surroundings: Surroundings): void {
  const command = program
    .command("serve")
    .summary("run Skiff on this machine")
    .description("Runs Skiff on this machine until Ctrl-C.");
  for (const [name, value, description] of OPTIONS) command.option(`--${name} <${value}>`, description);
  command.option("--no-dashboard", "start without the dashboard (SKIFF_DASHBOARD=off)");
  command.addHelpText("after", "\nExamples:\n  skiff serve\n  skiff serve --port 9000 --data ./other");
  command.action(action(surroundings, runServe));
}

interface ServeOptions {
  readonly host?: string;
  readonly port?: string;
  readonly data?: string;
  readonly workers?: string;
  readonly dashboardPort?: string;
  readonly dashboard: boolean;
}

function runServe({ options, surroundings }: Task<ServeOptions>): Promise<number> {
  const { host, port, data, workers, dashboardPort, dashboard } = options;
  const given = { host, port, data, workers, "dashboard-port": dashboardPort };
  const args = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
  return surroundings.host.serve(dashboard ? args : [...args, "--no-dashboard"]);
}
