import { shown } from "../../output/output.ts";
import { shortCommit } from "../../output/short-commit.ts";
import { ago } from "../../output/time.ts";
import type { Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { repositoryPath } from "./paths.ts";

export interface Mirror {
  readonly url: string;
  readonly direction: "pull" | "push";
  readonly branch?: string;
  /** The URL of the webhook, if there is a secret for it. */
  readonly webhook?: string;
  readonly last: { readonly at: string; readonly commit?: string; readonly error?: string } | null;
}

interface Outcome {
  readonly result: "deployed" | "pushed" | "unchanged";
  readonly detail: string;
}

interface MirrorOptions {
  readonly from?: string;
  readonly to?: string;
  readonly off?: boolean;
  readonly branch?: string;
  readonly secret?: string;
  readonly webhookSecret?: string;
  readonly force?: boolean;
}

/** Sets a mirror and uses it once, so that a wrong address or token shows at once. */
export async function mirror(task: Task<MirrorOptions>, name: string): Promise<void> {
  const { api, options, out } = task;
  const { from, to, off, branch, secret, webhookSecret, force } = options;
  if ([from, to, off].filter((each) => each !== undefined).length !== 1)
    throw new UsageError("Give one of --from URL, --to URL and --off.");
  const path = repositoryPath(name, "/mirror");
  if (off) {
    const answer = await api.json(path, { method: "DELETE" });
    out.result(answer, () => [`${name} is no longer mirrored.`]);
    return;
  }
  const direction = from === undefined ? "push" : "pull";
  const body = { url: from ?? to, direction, branch, secret, webhookSecret, force };
  const set = await api.json<Mirror>(path, { method: "PUT", body });
  if (!out.json) {
    out.line(
      direction === "pull" ? `${name} follows ${shown(set.url)}.` : `${shown(set.url)} follows ${name}.`,
    );
    if (set.webhook !== undefined)
      out.line(`Enter there as the webhook, for pushes and as JSON: ${shown(set.webhook)}`);
  }
  const outcome = await api.json<Outcome>(repositoryPath(name, "/sync"), { method: "POST" });
  out.result({ mirror: set, outcome }, () => [sentence(outcome)]);
}

export async function sync({ api, out }: Task, name: string): Promise<void> {
  const outcome = await api.json<Outcome>(repositoryPath(name, "/sync"), { method: "POST" });
  out.result(outcome, () => [sentence(outcome)]);
}

/** What `show` prints of a mirror, by name. */
export function mirrorLines({
  url,
  direction,
  branch,
  webhook,
  last,
}: Mirror): [string, string | undefined][] {
  const where = `${direction === "pull" ? "from" : "to"} ${shown(url)}${branch ? ` ${shown(branch)}` : ""}`;
  const commit = last?.commit === undefined ? "" : shortCommit(last.commit);
  const ended = last && `${ago(last.at, Date.now())}: ${last.error ? shown(last.error) : commit}`;
  return [
    ["mirror", where],
    ["webhook", webhook && shown(webhook)],
    ["last", ended ?? "never"],
  ];
}

function sentence({ result, detail }: Outcome): string {
  if (result === "unchanged") return `Unchanged: ${shown(detail)}.`;
  return `${result === "deployed" ? "Deployed" : "Pushed"} ${shown(detail)}.`;
}
