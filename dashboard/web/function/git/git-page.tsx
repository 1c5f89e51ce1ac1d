import { Link } from "wouter";
import { useResource } from "../../api/resource.ts";
import { CloneLines } from "../../git/clone-lines.tsx";
import { CommitList } from "../../git/commit-list.tsx";
import { type Repository, type RepositorySummary, repositoryPath } from "../../git/repository.ts";
import { RepositoryFacts } from "../../git/repository-facts.tsx";
import { RepositoryProblem } from "../../git/repository-problem.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Section } from "../../ui/page.tsx";
import { FunctionPage } from "../function-page.tsx";

/** The repository of a function: how to clone it, and its commits. */
export default function GitPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name!;
  return (
    <FunctionPage name={name} part="Git">
      <Git name={name} />
    </FunctionPage>
  );
}

function Git({ name }: { readonly name: string }) {
  const owners = useResource<{ readonly repositories: readonly RepositorySummary[] }>("/git", {
    query: { function: name },
  });
  // The first look at a function without a repository makes one of its versions.
  const owner = owners.data && (owners.data.repositories[0]?.name ?? name);
  const found = useResource<Repository>(owner === undefined ? undefined : repositoryPath(owner), {
    everyMs: 5_000,
  });
  const { data: repository } = found;
  const problem = owners.problem ?? found.problem;
  const reload = () => Promise.all([owners.reload(), found.reload()]);
  const isGroup = repository?.isGroup ?? false;
  return (
    <>
      <RepositoryProblem problem={problem} retry={reload} />
      {problem === undefined && repository === undefined ? <div class="loading">Loading…</div> : null}
      {repository === undefined ? null : (
        <>
          {isGroup ? (
            <Notice>
              {name} is in the repository{" "}
              <Link href={`/repositories/${repository.name}`}>{repository.name}</Link>, which has{" "}
              {repository.functions.length === 1 ? "no other function" : "other functions as well"}. A push
              deploys those whose files changed, all or none.
            </Notice>
          ) : null}
          <CloneLines repository={repository} />
          <div class="after-table">
            <RepositoryFacts repository={repository} onChange={found.reload} />
          </div>
          <Section title="Commits">
            <CommitList repository={repository} only={isGroup ? name : undefined} />
          </Section>
        </>
      )}
    </>
  );
}
