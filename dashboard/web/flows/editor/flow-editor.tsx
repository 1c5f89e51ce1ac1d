import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useLocation } from "wouter";
import { ApiProblem } from "../../api/problem.ts";
import { FoundDrafts } from "../../drafts/found-drafts.tsx";
import { type EditorView, redo, undo } from "../../editor/editor.tsx";
import { can } from "../../session/session.ts";
import { Button } from "../../ui/button.tsx";
import { TextField } from "../../ui/field.tsx";
import { Menu } from "../../ui/menu.tsx";
import { ProblemNotice } from "../../ui/notice.tsx";
import { Page } from "../../ui/page.tsx";
import { showProblem } from "../../ui/toast.tsx";
import { Badge } from "../../ui/values.tsx";
import { StartRun } from "../flow/start-run.tsx";
import { ConflictView, DeployDialog, ImportDialog } from "./dialogs.tsx";
import { Panes } from "./panes.tsx";
import { BEGINNING, type FlowSession } from "./session.ts";

type Open = "deploy" | "run" | "import" | undefined;

/** The page around text, canvas and forms. */
export function FlowEditor({ session }: { readonly session: FlowSession }) {
  const [open, setOpen] = useState<Open>();
  const [, go] = useLocation();
  const view = useRef<EditorView | undefined>(undefined);
  const name = session.name.value;
  const { version } = session.stored.value;
  const conflict = session.conflict.value;
  const close = () => setOpen(undefined);
  const change = useMemo(
    () => ({
      undo: () => view.current && undo(view.current),
      redo: () => view.current && redo(view.current),
    }),
    [],
  );
  const latest = useRef<() => Promise<void>>(async () => undefined);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as Element;
      if (!(event.ctrlKey || event.metaKey)) return;
      const key = event.key.toLowerCase();
      if (key === "s" && target.closest(".cm-editor, dialog") === null) {
        event.preventDefault();
        void latest.current();
      }
      // Fields and the text have a history of their own.
      if (target.closest("input, textarea, .cm-editor, dialog") !== null) return;
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      if (key === "y" || event.shiftKey) change.redo();
      else change.undo();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [change]);
  const { obstacle, isChanged } = session;
  const isKept = session.drafts.state.value.kind === "kept";
  const faults = session.checked.value.faults.length;
  const deploy = async () => {
    await session.settled();
    const { obstacle: why } = session;
    if (why !== undefined) showProblem(new ApiProblem(0, { title: "Not deployed", detail: why }));
    else if (session.isChanged && can("deploy")) setOpen("deploy");
  };
  latest.current = deploy;
  return (
    <Page
      wide
      title={session.isNew ? "New flow" : name}
      parent={session.isNew ? { href: "/flows", text: "Flows" } : { href: `/flows/${name}`, text: name }}
      badges={
        <>
          {version === undefined ? null : <Badge>version {version}</Badge>}
          {isChanged ? <Badge tone="info">{isKept ? "changed, draft saved" : "changed"}</Badge> : null}
          {faults === 0 ? null : <Badge tone="bad">{faults === 1 ? "1 fault" : `${faults} faults`}</Badge>}
        </>
      }
      actions={
        <>
          <Button kind="quiet" icon="undo" label="Undo" onClick={change.undo} />
          <Button kind="quiet" icon="redo" label="Redo" onClick={change.redo} />
          <Menu
            label="More"
            items={[
              { text: "Import from Klusterfuck…", onSelect: () => setOpen("import") },
              {
                text: "Discard changes",
                onSelect: () => session.change(session.stored.value.text),
                disabled: !isChanged || version === undefined,
              },
            ]}
          >
            More
          </Menu>
          <Button icon="play" disabled={version === undefined || !can("call")} onClick={() => setOpen("run")}>
            Run
          </Button>
          <Button
            kind="primary"
            icon="upload"
            disabled={!can("deploy") || !isChanged || obstacle !== undefined}
            title={
              can("deploy")
                ? (obstacle ?? "Makes the text the newest version (Ctrl S)")
                : "Your key may not deploy."
            }
            onClick={deploy}
          >
            Deploy
          </Button>
        </>
      }
    >
      <ProblemNotice problem={session.broken.value} retry={() => location.reload()} />
      <FoundDrafts
        drafts={session.drafts}
        of="flow"
        isChanged={isChanged && session.text.value !== BEGINNING}
        onRestore={(draft) => session.adopt(draft)}
        onDiscard={() => session.discard()}
        basedOn={({ version: base }) => (base === undefined ? undefined : `version ${base}`)}
      />
      {session.isNew ? (
        <div class="flow-name">
          <TextField
            label="Name of the flow"
            mono
            placeholder="order"
            value={name}
            hint="The path of the flow: a to z, 0 to 9 and -."
            onChange={(text) => {
              session.name.value = text;
              session.change(session.text.peek());
            }}
          />
        </div>
      ) : null}
      {conflict === undefined ? (
        <Panes
          session={session}
          onSave={() => void deploy()}
          onView={(mounted) => {
            view.current = mounted;
          }}
          apply={(edit) => session.apply(edit).catch(showProblem)}
        />
      ) : (
        <ConflictView session={session} theirs={conflict} />
      )}
      {open === "deploy" ? (
        <DeployDialog
          session={session}
          onClose={close}
          onDeployed={() => void (session.isNew && go(`/flows/${name}/edit`))}
        />
      ) : null}
      {open === "run" ? <StartRun name={name} onClose={close} /> : null}
      {open === "import" ? <ImportDialog session={session} onClose={close} /> : null}
    </Page>
  );
}
