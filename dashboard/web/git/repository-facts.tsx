import { useState } from "preact/hooks";
import { api } from "../api/client.ts";
import { allowed } from "../blocks/allowed.ts";
import { Facts } from "../blocks/facts.tsx";
import { Button } from "../ui/button.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import { showDone, showWritten } from "../ui/toast.tsx";
import { Badge, Bytes, When } from "../ui/values.tsx";
import { type Mirror, type Repository, repositoryPath, SHORT_ID } from "./repository.ts";

export interface RepositoryFactsProps {
  readonly repository: Repository;
  readonly onChange: () => Promise<unknown>;
}

/** The branch that deploys, the newest commit, and the mirror. */
export function RepositoryFacts({ repository, onChange }: RepositoryFactsProps) {
  const { name, branch, head, updatedAt, bytes, mirror } = repository;
  const [isChoosing, setChoosing] = useState(false);
  return (
    <>
      <Facts
        facts={[
          [
            "Branch that deploys",
            <span class="with-copy">
              <code>{branch}</code>
              <Button small kind="quiet" icon="edit" onClick={() => setChoosing(true)} {...allowed("deploy")}>
                Change
              </Button>
            </span>,
          ],
          ["Newest commit", head === null ? "none yet" : <code title={head}>{head.slice(0, SHORT_ID)}</code>],
          ["Changed", <When at={updatedAt} />],
          ["Size", <Bytes value={bytes} />],
          ["Mirror", <MirrorState {...{ name, mirror, onChange }} />],
        ]}
      />
      {isChoosing ? (
        <BranchDialog {...{ name, branch }} onClose={() => setChoosing(false)} onDone={onChange} />
      ) : null}
    </>
  );
}

interface MirrorStateProps {
  readonly name: string;
  readonly mirror: Mirror | null;
  readonly onChange: () => Promise<unknown>;
}

function MirrorState({ name, mirror, onChange }: MirrorStateProps) {
  if (mirror === null) {
    return (
      <span class="muted">
        none · <code>skiff git mirror {name} --from URL</code> follows another repository
      </span>
    );
  }
  const { url, direction, branch, last } = mirror;
  const sync = async () => {
    try {
      await api.send("POST", `${repositoryPath(name)}/sync`);
      showDone(direction === "pull" ? `${name} is as ${url} is.` : `${url} has what ${name} has.`);
    } finally {
      await onChange();
    }
  };
  return (
    <div class="stack-tight">
      <span>
        {direction === "pull" ? "Deploys what is pushed to" : "Pushes what is deployed to"} <code>{url}</code>
        {branch === undefined ? null : (
          <>
            , branch <code>{branch}</code>
          </>
        )}
      </span>
      <span class="with-copy">
        {last === null ? (
          <Badge>not tried yet</Badge>
        ) : (
          <>
            {last.error === undefined ? <Badge tone="ok">in step</Badge> : <Badge tone="bad">failed</Badge>}
            <When at={last.at} />
          </>
        )}
        <Button small icon="retry" onClick={sync} {...allowed("deploy")}>
          Sync now
        </Button>
      </span>
      {last?.error === undefined ? null : <span class="bad-text">{last.error}</span>}
    </div>
  );
}

interface BranchDialogProps {
  readonly name: string;
  readonly branch: string;
  readonly onClose: () => void;
  readonly onDone: () => Promise<unknown>;
}

function BranchDialog({ name, branch, onClose, onDone }: BranchDialogProps) {
  const [text, setText] = useState(branch);
  const save = async () => {
    const branch = text.trim();
    await api.send("PATCH", repositoryPath(name), { json: { branch } });
    await showWritten(`The next push to ${branch} is deployed.`, {
      stored: `${name} deploys ${branch}.`,
      read: () => api.get<Repository>(repositoryPath(name)),
      differs: (now) => (now.branch === branch ? undefined : `it deploys ${now.branch}`),
    });
    await onDone();
  };
  return (
    <FormDialog title="Branch that deploys" action="Use it" onSubmit={save} onClose={onClose}>
      <TextField
        label="Branch"
        mono
        value={text}
        onChange={setText}
        hint="A branch of the repository. This deploys nothing: the next push to it does."
      />
    </FormDialog>
  );
}
