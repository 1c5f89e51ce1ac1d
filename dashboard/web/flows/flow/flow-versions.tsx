import { useEffect, useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import { type ApiProblem, asProblem } from "../../api/problem.ts";
import { useResource } from "../../api/resource.ts";
import { allowed } from "../../blocks/allowed.ts";
import { DiffText } from "../../blocks/diff-text.tsx";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { ProblemNotice } from "../../ui/notice.tsx";
import { Loaded } from "../../ui/page.tsx";
import { Table } from "../../ui/table.tsx";
import { showDone } from "../../ui/toast.tsx";
import { Badge, When } from "../../ui/values.tsx";

interface VersionDocument {
  readonly version: number;
  readonly createdAt: string;
  readonly by?: string;
  readonly message?: string;
  readonly current: boolean;
}

export interface FlowVersionsProps {
  readonly name: string;
  /** Reads again when it changes. */
  readonly current: number | undefined;
  readonly changed: () => Promise<void>;
}

/** The texts that the flow had. */
export function FlowVersions({ name, current, changed }: FlowVersionsProps) {
  const found = useResource<{ readonly versions: readonly VersionDocument[] }>(`/flow/${name}/versions`, {
    everyMs: 10_000,
  });
  const [compared, setCompared] = useState<number>();
  const rollBack = async (to: number) => {
    await api.send("POST", `/flow/${name}/rollback`, { query: { to } });
    await Promise.all([found.reload(), changed()]);
    showDone(`${name} has the text of version ${to} again.`);
  };
  return (
    <>
      <Loaded from={found}>
        {({ versions }) => (
          <Table
            label={`Versions of ${name}`}
            rows={versions}
            keyOf={({ version }) => String(version)}
            columns={[
              {
                title: "Version",
                cell: ({ version, current }) => (
                  <>
                    {version} {current ? <Badge tone="ok">current</Badge> : null}
                  </>
                ),
              },
              { title: "Message", cell: ({ message }) => message ?? "" },
              { title: "By", cell: ({ by }) => by ?? "", isExtra: true },
              { title: "When", cell: ({ createdAt }) => <When at={createdAt} /> },
              {
                title: "",
                cell: ({ version }) => (
                  <span class="row">
                    <Button small disabled={version === 1} onClick={() => setCompared(version)}>
                      Changes
                    </Button>
                    <Button
                      small
                      icon="undo"
                      onClick={() => rollBack(version)}
                      {...(version === current ? { disabled: true } : allowed("deploy"))}
                    >
                      Roll back to it
                    </Button>
                  </span>
                ),
              },
            ]}
          />
        )}
      </Loaded>
      {compared === undefined ? null : (
        <Changes name={name} to={compared} onClose={() => setCompared(undefined)} />
      )}
    </>
  );
}

interface ChangesProps {
  readonly name: string;
  readonly to: number;
  readonly onClose: () => void;
}

function Changes({ name, to, onClose }: ChangesProps) {
  const [read, setRead] = useState<{ readonly text?: string; readonly problem?: ApiProblem }>();
  useEffect(() => {
    api.text(`/flow/${name}/diff`, { from: to - 1, to }).then(
      (text) => setRead({ text }),
      (error: unknown) => setRead({ problem: asProblem(error) }),
    );
  }, [name, to]);
  return (
    <Dialog title={`Changes of version ${to}`} wide onClose={onClose}>
      <div>
        <ProblemNotice problem={read?.problem} />
        {read?.text === undefined ? null : <DiffText text={read.text} />}
      </div>
    </Dialog>
  );
}
