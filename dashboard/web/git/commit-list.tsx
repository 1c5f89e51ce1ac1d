import { useEffect, useState } from "preact/hooks";
import { shareOf } from "../function/traffic.ts";
import { Button } from "../ui/button.tsx";
import { More } from "../ui/more.tsx";
import { ProblemNotice } from "../ui/notice.tsx";
import { usePaged } from "../ui/paged.ts";
import { Badge, When } from "../ui/values.tsx";
import { CommitChanges } from "./commit-changes.tsx";
import { type Commit, type Member, type Repository, repositoryPath, SHORT_ID } from "./repository.ts";

export interface CommitListProps {
  readonly repository: Repository;
  /** Only commits that change this function. */
  readonly only?: string | undefined;
}

/** The commits of the branch that deploys, newest first, with the versions that they became. */
export function CommitList({ repository, only }: CommitListProps) {
  const { name, head, functions } = repository;
  const query = only === undefined ? {} : { function: only };
  const commits = usePaged<Commit>(`${repositoryPath(name)}/commits`, "commits", { query });
  const [shown, setShown] = useState<Commit>();
  // The repository is read again and again; its commits only when something became of one.
  const state = JSON.stringify([head, functions.map(({ version }) => version)]);
  useEffect(() => {
    if (!commits.isLoading) void commits.reload();
  }, [state]);
  const members = only === undefined ? functions : functions.filter((each) => each.name === only);
  return (
    <>
      <ProblemNotice problem={commits.problem} retry={commits.reload} />
      {commits.isLoading ? <div class="loading">Loading…</div> : null}
      {commits.rows.length === 0 ? null : (
        <ul class="versions card" aria-label="Commits">
          {commits.rows.map((commit) => (
            <Row key={commit.id} {...{ commit, members }} onShow={() => setShown(commit)} />
          ))}
        </ul>
      )}
      {!commits.isLoading && commits.problem === undefined && commits.rows.length === 0 ? (
        <p class="muted">
          {head === null
            ? "No commit yet: push one, and it is deployed."
            : `No commit of ${repository.branch} changes ${only ?? "a file"}.`}
        </p>
      ) : null}
      <More list={commits} />
      {shown === undefined ? null : (
        <CommitChanges repository={name} commit={shown} onClose={() => setShown(undefined)} />
      )}
    </>
  );
}

interface RowProps {
  readonly commit: Commit;
  readonly members: readonly Member[];
  readonly onShow: () => void;
}

function Row({ commit, members, onShow }: RowProps) {
  const { id, subject, author, email, at } = commit;
  return (
    <li>
      <code title={id}>{id.slice(0, SHORT_ID)}</code>
      <div class="about">
        <span>
          {subject === "" ? <span class="muted">no message</span> : subject}{" "}
          {members.map((member) => (
            <VersionBadge key={member.name} member={member} commit={commit} isAlone={members.length === 1} />
          ))}
        </span>
        <span class="muted">
          <span title={email}>{author}</span> · <When at={at} />
        </span>
      </div>
      <div class="actions">
        <Button small onClick={onShow}>
          Diff
        </Button>
      </div>
    </li>
  );
}

interface VersionBadgeProps {
  readonly member: Member;
  readonly commit: Commit;
  readonly isAlone: boolean;
}

/** The version that a commit became, and whether it has calls. */
function VersionBadge({ member: { name, traffic }, commit, isAlone }: VersionBadgeProps) {
  const version = commit.versions[name];
  if (version === undefined) return null;
  const share = shareOf(traffic, version);
  const of = isAlone ? "" : `${name} `;
  if (share === 0) return <Badge>{`${of}v${version}`}</Badge>;
  const calls = share === 1 ? "serves now" : `${Math.round(share * 1_000) / 10} % of the calls`;
  return <Badge tone="ok">{`${of}v${version} · ${calls}`}</Badge>;
}
