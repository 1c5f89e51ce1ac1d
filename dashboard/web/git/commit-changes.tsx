import { useEffect, useState } from "preact/hooks";
import { api } from "../api/client.ts";
import { type ApiProblem, asProblem } from "../api/problem.ts";
import { DiffView } from "../blocks/diff-view.tsx";
import { parseDiff } from "../blocks/unified-diff.ts";
import { Copy } from "../ui/copy.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { ProblemNotice } from "../ui/notice.tsx";
import { When } from "../ui/values.tsx";
import { type Commit, repositoryPath, SHORT_ID } from "./repository.ts";

export interface CommitChangesProps {
  readonly repository: string;
  readonly commit: Commit;
  readonly onClose: () => void;
}

/** The message of a commit, and what it changes. */
export function CommitChanges({ repository, commit, onClose }: CommitChangesProps) {
  const { id, author, email, at, subject, body } = commit;
  const [read, setRead] = useState<{ readonly text?: string; readonly problem?: ApiProblem }>();
  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    api.text(`${repositoryPath(repository)}/commits/${id}/diff`, undefined, signal).then(
      (text) => setRead({ text }),
      (error: unknown) => void (signal.aborted || setRead({ problem: asProblem(error) })),
    );
    return () => ending.abort();
  }, [repository, id]);
  return (
    <Dialog title={subject || `Commit ${id.slice(0, SHORT_ID)}`} wide onClose={onClose}>
      <div class="stack">
        <p class="muted with-copy">
          <code>{id.slice(0, SHORT_ID)}</code> <Copy text={id} /> {author} &lt;{email}&gt; · <When at={at} />
        </p>
        {body === "" ? null : <p class="kept-lines">{body}</p>}
        <ProblemNotice problem={read?.problem} />
        {read === undefined ? <div class="loading">Loading…</div> : null}
        {read?.text === undefined ? null : read.text.trim() === "" ? (
          <p class="muted">It changes no file.</p>
        ) : (
          <DiffView files={parseDiff(read.text)} />
        )}
      </div>
    </Dialog>
  );
}
