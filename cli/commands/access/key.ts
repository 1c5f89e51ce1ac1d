import type { Command } from "commander";
import { shown } from "../../output/output.ts";
import { table } from "../../output/table.ts";
import { ago } from "../../output/time.ts";
import { action, type Surroundings, type Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { collect } from "../functions/setting-options.ts";

interface Key {
  readonly id: string;
  readonly name?: string;
  readonly scopes?: readonly string[];
  readonly functions?: readonly string[];
  readonly state: string;
  readonly expiresAt?: string;
  readonly lastUsedAt?: string;
}

interface CreatedKey extends Key {
  readonly key: string;
}

interface CreateOptions {
  readonly scope: readonly string[];
  readonly function?: readonly string[];
  readonly ttl?: string;
  readonly rate?: string;
  readonly monthly?: string;
}

const EXAMPLES = `
Examples:
  skiff key create ci --scope deploy --scope read --ttl 90d
  skiff key create app --scope call --function hello --rate 100/s
  skiff key rotate 4f1c2a9b --overlap 1h`;

export function addKey(program: Command, surroundings: Surroundings): void {
  const key = program
    .command("key")
    .summary("create, rotate and revoke keys of the API")
    .description("Creates, lists, rotates and revokes keys. A key is shown once.")
    .helpCommand(false)
    .addHelpText("after", EXAMPLES);
  key
    .command("list", { isDefault: true })
    .description("Lists the keys, with their last use.")
    .action(action(surroundings, listKeys));
  key
    .command("create")
    .description("Creates a key and prints it, for the only time.")
    .argument("<name>", "what it is for")
    .requiredOption("--scope <scope>", "call, read, deploy, run or admin; repeat it for several", collect)
    .option("--function <name>", "only for this function; repeat it for several", collect)
    .option("--ttl <time>", "time until it expires, such as 90d")
    .option("--rate <rate>", "most calls, such as 100/s")
    .option("--monthly <calls>", "most calls in a calendar month")
    .action(action(surroundings, createKey));
  key
    .command("rotate")
    .description("Gives a key a new secret and prints it. The old one stays valid for a while.")
    .argument("<key>", "id of the key")
    .option("--overlap <time>", "how long the old one stays valid; 24h by default, 0 ends it at once")
    .action(action(surroundings, rotateKey));
  key
    .command("revoke")
    .alias("delete")
    .description("Revokes a key. Routers refuse it within a second.")
    .argument("<key>", "id of the key")
    .action(action(surroundings, revokeKey));
}

async function listKeys({ api, out }: Task): Promise<void> {
  const keys = await api.all<Key>("/key", "keys");
  const now = Date.now();
  out.result({ keys }, () =>
    table([
      ["ID", "NAME", "SCOPES", "FUNCTIONS", "STATE", "EXPIRES", "LAST USED"].map((head) =>
        out.style("bold", head),
      ),
      ...keys.map(({ id, name, scopes = [], functions, state, expiresAt, lastUsedAt }) => [
        ...[id, shown(name), scopes.join(","), functions?.join(",") ?? "all", state],
        ...[expiresAt?.slice(0, 10) ?? "never", ago(lastUsedAt, now) || "never"],
      ]),
    ]),
  );
}

async function createKey({ api, options, out }: Task<CreateOptions>, name: string): Promise<void> {
  const { scope, function: functions, ttl, rate, monthly } = options;
  const quota = {
    ...(rate === undefined ? {} : { rate }),
    ...(monthly === undefined ? {} : { perMonth: wholeNumber("--monthly", monthly) }),
  };
  const body = {
    ...{ name, scopes: scope, functions, ttl },
    ...(Object.keys(quota).length === 0 ? {} : { quota }),
  };
  const created = await api.json<CreatedKey>("/key", { method: "POST", body });
  out.result(created, () => [created.key]);
  if (!out.json) out.note(`This is key ${created.id}. It is shown only now: keep it like a password.`);
}

/** @throws UsageError */
function wholeNumber(option: string, text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new UsageError(`${option} ${text} is not a whole number from 1: write it like ${option} 1000.`);
}

async function rotateKey({ api, options, out }: Task<{ overlap?: string }>, id: string): Promise<void> {
  const { overlap } = options;
  const rotated = await api.json<CreatedKey>(`${path(id)}/rotate`, { method: "POST", query: { overlap } });
  out.result(rotated, () => [rotated.key]);
  if (!out.json) out.note(`Key ${id} has a new secret, which is shown only now.`);
}

async function revokeKey({ api, out }: Task, id: string): Promise<void> {
  const answer = await api.json(path(id), { method: "DELETE" });
  out.result(answer, () => [`Revoked ${id}.`]);
}

function path(id: string): string {
  return `/key/${encodeURIComponent(id)}`;
}
