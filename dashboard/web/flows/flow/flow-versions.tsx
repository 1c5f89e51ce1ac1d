import { useEffect, useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import { type ApiProblem, asProblem } from "../../api/problem.ts";
import { useResource } from "../../api/resource.ts";
import { allowed } from "../../blocks/allowed.ts";
import { AskedButton } from "../../blocks/asked-button.tsx";
import { DiffView } from "../../blocks/diff-view.tsx";
import { parseDiff } from "../../blocks/unified-diff.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { ProblemNotice } from "../../ui/notice.tsx";
import { Loaded } from "../../ui/page.tsx";
import { Table } from "../../ui/table.tsx";
import { showWritten } from "../../ui/toast.tsx";
import { Badge, When } from "../../ui/values.tsx";
import type { FlowDetails } from "./flow.ts";

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
    const path = `/flow/${name}`;
    const { version } = await api.send<{ readonly version: number }>("POST", `${path}/rollback`, {
      query: { to },
    });
    await showWritten(`Version ${version} of ${name} is live, with the text of version ${to}.`, {
      stored: `Version ${version} of ${name} is stored.`,
      read: () => api.get<FlowDetails>(path),
      differs: (now) => (now.version === version ? undefined : `version ${now.version} is live`),
    });
    await Promise.all([found.reload(), changed()]);
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
                    <AskedButton
                      small
                      icon="undo"
                      question={`Roll ${name} back to version ${version}?`}
                      action="Roll back"
                      outcome="Its text becomes a new version, which the next runs have. Runs that have begun keep theirs."
                      onSubmit={() => rollBack(version)}
                      {...(version === current
                        ? { disabled: true, title: "It is live." }
                        : allowed("deploy"))}
                    >
                      Roll back to it
                    </AskedButton>
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
        {read?.text === undefined ? null : read.text.trim() === "" ? (
          <p class="muted">No difference.</p>
        ) : (
          <DiffView files={parseDiff(read.text)} />
        )}
      </div>
    </Dialog>
  );
}
