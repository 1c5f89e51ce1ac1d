import { Link, useLocation } from "wouter";
import { api } from "../api/client.ts";
import { useResource } from "../api/resource.ts";
import { allowed } from "../blocks/allowed.ts";
import { AskedButton } from "../blocks/asked-button.tsx";
import { Empty } from "../ui/notice.tsx";
import { Page, Section } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { Badge } from "../ui/values.tsx";
import { CloneLines } from "./clone-lines.tsx";
import { CommitList } from "./commit-list.tsx";
import { type Member, type Repository, repositoryPath } from "./repository.ts";
import { RepositoryFacts } from "./repository-facts.tsx";
import { RepositoryProblem } from "./repository-problem.tsx";

/** One repository: how to clone it, its functions and its commits. */
export default function RepositoryPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name!;
  const found = useResource<Repository>(repositoryPath(name), { everyMs: 5_000 });
  const [, go] = useLocation();
  const { data: repository, problem, isLoading, reload } = found;
  const remove = async () => {
    await api.send("DELETE", repositoryPath(name));
    go("/repositories");
  };
  return (
    <Page
      title={name}
      name={`${name} · Repository`}
      parent={{ href: "/repositories", text: "Repositories" }}
      badges={repository?.isGroup ? <Badge>group</Badge> : undefined}
      actions={
        repository === undefined ? undefined : (
          <AskedButton
            icon="trash"
            kind="danger"
            question={`Delete the repository ${name}?`}
            action="Delete"
            outcome="Its commits are gone then. Its functions stay as they are."
            onSubmit={remove}
            {...allowed("deploy")}
          >
            Delete
          </AskedButton>
        )
      }
    >
      {problem?.code === "unknown_repository" ? (
        <Empty title="No repository has this name">
          <p>{problem.message}</p>
        </Empty>
      ) : (
        <RepositoryProblem problem={problem} retry={reload} />
      )}
      {isLoading ? <div class="loading">Loading…</div> : null}
      {repository === undefined ? null : (
        <>
          <CloneLines repository={repository} />
          <div class="after-table">
            <RepositoryFacts repository={repository} onChange={reload} />
          </div>
          <Section title="Functions">
            <Members members={repository.functions} />
          </Section>
          <Section title="Commits">
            <CommitList repository={repository} />
          </Section>
        </>
      )}
    </Page>
  );
}

function Members({ members }: { readonly members: readonly Member[] }) {
  if (members.length === 0) return <p class="muted">No function yet: a push makes it.</p>;
  return (
    <Table
      label="Functions"
      rows={members}
      keyOf={({ name }) => name}
      href={({ name }) => `/functions/${name}/git`}
      columns={[
        { title: "Name", cell: ({ name }) => <Link href={`/functions/${name}/git`}>{name}</Link> },
        { title: "Path", cell: ({ path }) => <code>{path}</code> },
        { title: "Newest version", cell: ({ version }) => (version === null ? "–" : `v${version}`) },
        {
          title: "Calls go to",
          cell: ({ traffic }) => traffic.map((share) => `v${share.version}`).join(", ") || "none",
        },
      ]}
    />
  );
}
