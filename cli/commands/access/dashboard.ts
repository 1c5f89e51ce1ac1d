import type { Command } from "commander";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";

interface WhoAmI {
  readonly scopes: readonly string[];
  readonly functions?: readonly string[];
  readonly dashboard?: string;
}

interface CreatedKey {
  readonly id: string;
  readonly key: string;
  readonly expiresAt: string;
}

const EXAMPLES = `
Examples:
  skiff dashboard
  skiff dashboard --ttl 8h`;

export function addDashboard(program: Command, surroundings: Surroundings): void {
  program
    .command("dashboard")
    .summary("print a link that signs in at the dashboard")
    .description("Creates a key with your scopes, and prints a link that signs a browser in with it.")
    .option("--ttl <time>", "time until the key expires", "7d")
    .addHelpText("after", EXAMPLES)
    .action(action(surroundings, runDashboard));
}

async function runDashboard({ api, options, out }: Task<{ ttl: string }>): Promise<void> {
  const { scopes, functions, dashboard } = await api.json<WhoAmI>("/whoami");
  if (dashboard === undefined) {
    const advice = "start it without --no-dashboard, or set SKIFF_DASHBOARD_URL of the manager on Kubernetes";
    throw new UsageError(`${api.place.url} has no dashboard: ${advice}.`);
  }
  const body = { name: "dashboard", scopes, functions, ttl: options.ttl };
  const { id, key, expiresAt } = await api.json<CreatedKey>("/key", { method: "POST", body });
  // A browser sends no fragment to a server.
  const url = `${dashboard.replace(/\/+$/, "")}/#key=${key}`;
  out.result({ url, keyId: id, expiresAt }, () => [url]);
  if (!out.json) out.note(`The link has the key ${id}, valid until ${expiresAt}: keep it like a password.`);
}
