import { Link } from "wouter";
import { holder } from "../session/session.ts";
import { CopyLine } from "../ui/copy.tsx";
import { More } from "../ui/more.tsx";
import { Empty } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";
import { usePaged } from "../ui/paged.ts";
import { Table } from "../ui/table.tsx";
import { Badge, When } from "../ui/values.tsx";
import { type RepositorySummary, SHORT_ID } from "./repository.ts";
import { RepositoryProblem } from "./repository-problem.tsx";

/** All git repositories. */
export default function RepositoriesPage() {
  const found = usePaged<RepositorySummary>("/git", "repositories", { everyMs: 5_000 });
  const { rows, problem, isLoading, reload } = found;
  return (
    <Page title="Repositories">
      <RepositoryProblem problem={problem} retry={reload} />
      {isLoading ? <div class="loading">Loading…</div> : null}
      {isLoading || problem !== undefined || rows.length > 0 ? null : (
        <Empty title="No repository yet">
          <p>
            Every function can be a git repository: a push deploys it, and what else deploys it becomes a
            commit. A repository is made when somebody clones a function, or pushes to a new name.
          </p>
          <CopyLine label="Clone" text={`git clone ${holder.value!.url}/git/NAME.git`} />
        </Empty>
      )}
      {rows.length === 0 ? null : (
        <Table
          label="Repositories"
          rows={rows}
          keyOf={({ name }) => name}
          href={({ name }) => `/repositories/${name}`}
          columns={[
            {
              title: "Name",
              cell: ({ name, isGroup }) => (
                <>
                  <Link href={`/repositories/${name}`}>{name}</Link> {isGroup ? <Badge>group</Badge> : null}
                </>
              ),
            },
            { title: "Functions", cell: ({ functions }) => functions.join(", "), isExtra: true },
            { title: "Branch", cell: ({ branch }) => <code>{branch}</code>, isExtra: true },
            {
              title: "Newest commit",
              cell: ({ head }) =>
                head === null ? <span class="muted">none</span> : <code>{head.slice(0, SHORT_ID)}</code>,
            },
            { title: "Changed", cell: ({ updatedAt }) => <When at={updatedAt} /> },
          ]}
        />
      )}
      <More list={found} />
    </Page>
  );
}
