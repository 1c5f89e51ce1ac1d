import { shown } from "../../output/output.ts";
import { shortCommit } from "../../output/short-commit.ts";
import { pairs, table } from "../../output/table.ts";
import { ago } from "../../output/time.ts";
import type { Task } from "../../task.ts";
import { UsageError } from "../../usage-error.ts";
import { type Mirror, mirrorLines } from "./mirror.ts";
import { repositoryPath } from "./paths.ts";

interface Summary {
  readonly name: string;
  readonly branch: string;
  readonly head: string | null;
  readonly functions: readonly string[];
  readonly updatedAt: string;
}

interface Repository extends Omit<Summary, "functions"> {
  readonly url: string;
  readonly isGroup: boolean;
  readonly functions: readonly {
    readonly name: string;
    readonly path: string;
    readonly version: number | null;
  }[];
  readonly bytes: number;
  readonly mirror: Mirror | null;
}

interface Commit {
  readonly id: string;
  readonly author: string;
  readonly at: string;
  readonly subject: string;
  readonly versions: Readonly<Record<string, number>>;
}

export async function list({ api, out }: Task): Promise<void> {
  const repositories = await api.all<Summary>("/git", "repositories");
  const now = Date.now();
  out.result({ repositories }, () =>
    repositories.length === 0
      ? ["No repositories yet. The first `skiff git clone NAME` of a function makes its own."]
      : table([
          ["NAME", "BRANCH", "COMMIT", "CHANGED", "FUNCTIONS"].map((head) => out.style("bold", head)),
          ...repositories.map(({ name, branch, head, updatedAt, functions }) => [
            ...[name, shown(branch), headText(head), ago(updatedAt, now), functions.join(", ")],
          ]),
        ]),
  );
}

export async function show({ api, out }: Task, name: string): Promise<void> {
  const found = await api.json<Repository>(repositoryPath(name));
  const { url, branch, head, functions, bytes, mirror } = found;
  const members = functions.map((each) => {
    const version = each.version === null ? "" : `@${each.version}`;
    return `${each.name}${version}${each.path === "." ? "" : ` (${shown(each.path)})`}`;
  });
  out.result(found, () =>
    pairs([
      ["name", found.name],
      ["clone", `git clone ${url}`],
      ["branch", shown(branch)],
      ["commit", headText(head)],
      ["functions", members.join(", ") || "none"],
      ["size", `${Math.ceil(bytes / 1024)} KiB`],
      ...(mirror === null ? [] : mirrorLines(mirror)),
    ]),
  );
}

export async function log({ api, out, options }: Task<{ limit: string }>, name: string): Promise<void> {
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1)
    throw new UsageError(`--limit: ${options.limit} is not a count.`);
  const query = { limit: Math.min(limit, 100) };
  const { commits } = await api.json<{ commits: readonly Commit[] }>(repositoryPath(name, "/commits"), {
    query,
  });
  const now = Date.now();
  out.result({ commits }, () =>
    table([
      ["COMMIT", "VERSION", "WHEN", "AUTHOR", "SUBJECT"].map((head) => out.style("bold", head)),
      ...commits.map(({ id, versions, at, author, subject }) => [
        ...[shortCommit(id), versionsOf(versions, name), ago(at, now), shown(author), shown(subject)],
      ]),
    ]),
  );
}

export async function changeBranch({ api, out }: Task, name: string, branch: string): Promise<void> {
  const answer = await api.json(repositoryPath(name), { method: "PATCH", body: { branch } });
  out.result(answer, () => [`The branch ${branch} of ${name} deploys. Push to it to deploy what it has.`]);
}

/** `4`, or `cart@4 pay@2` in a group. */
function versionsOf(versions: Readonly<Record<string, number>>, repository: string): string {
  const all = Object.entries(versions);
  if (all.length === 0) return "-";
  return all
    .map(([name, version]) => (name === repository ? String(version) : `${name}@${version}`))
    .join(" ");
}

function headText(id: string | null): string {
  return id === null ? "none" : shortCommit(id);
}
