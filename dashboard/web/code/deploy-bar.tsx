import { useEffect, useState } from "preact/hooks";
import { can } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import { Menu } from "../ui/menu.tsx";
import { durationText } from "../ui/values.tsx";
import type { CodeSession, DoneDeploy } from "./session.ts";
import { changedPaths, type Workspace } from "./workspace.ts";

interface DeployBarProps {
  readonly session: CodeSession;
  readonly workspace: Workspace;
  readonly isTrying: boolean;
  readonly onTry: () => void;
}

/** What was changed, and the way to make it live: Ctrl+S anywhere on the page. */
export function DeployBar({ session, workspace, isTrying, onTry }: DeployBarProps) {
  const [message, setMessage] = useState("");
  const [isDiscarding, setDiscarding] = useState(false);
  const state = session.deployed.value;
  const isBusy = state.kind === "busy";
  const isAllowed = can("deploy");
  const deploy = async (askedAtMs: number, isWithoutCalls = false) => {
    await session.deploy({ message, isWithoutCalls, askedAtMs });
    if (session.deployed.peek().kind === "done") setMessage("");
  };
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      if (isAllowed && session.conflict.peek() === undefined) void deploy(event.timeStamp);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
  const count = changedPaths(workspace).length;
  return (
    <div class="code-bar">
      <output class="code-state" aria-live="polite">
        <StateText session={session} changed={count} />
      </output>
      <TextField
        label="Message of the version"
        placeholder="Message of the version"
        value={message}
        onChange={setMessage}
        bare
      />
      <Button
        kind="primary"
        disabled={!isAllowed || isBusy}
        title={isAllowed ? "Ctrl+S" : "Your key has no scope deploy"}
        onClick={(event) => void deploy(event.timeStamp)}
      >
        {isBusy ? "Deploying…" : "Deploy"}
      </Button>
      <Menu
        label="More ways"
        items={[
          {
            text: "Deploy without calls",
            onSelect: () => void deploy(performance.now(), true),
            disabled: !isAllowed || isBusy,
          },
          {
            text: "Compare with what is live",
            onSelect: () => session.compare(),
            disabled: count === 0,
          },
          {
            text: "Discard changes",
            onSelect: () => setDiscarding(true),
            isDanger: true,
            disabled: count === 0 || isBusy,
          },
        ]}
      />
      <Button icon="play" pressed={isTrying} onClick={onTry}>
        Try it
      </Button>
      {isDiscarding ? (
        <FormDialog
          title="Discard your changes?"
          action="Discard them"
          kind="danger"
          onSubmit={async () => session.discard()}
          onClose={() => setDiscarding(false)}
        >
          <p>The files are as in version {workspace.current} again. What was typed is gone for good.</p>
        </FormDialog>
      ) : null}
    </div>
  );
}

function StateText({ session, changed }: { readonly session: CodeSession; readonly changed: number }) {
  const state = session.deployed.value;
  const draft = session.drafts.state.value;
  if (state.kind === "busy") return <span class="muted">Building and starting…</span>;
  if (draft.kind === "failed") {
    return <span class="bad-text">The browser keeps no draft: {draft.reason}</span>;
  }
  if (changed > 0) {
    const files = changed === 1 ? "1 changed file" : `${changed} changed files`;
    return (
      <span class="muted">
        {files}
        {draft.kind === "kept" ? " · draft saved in this browser" : ""}
      </span>
    );
  }
  return state.kind === "done" ? <DoneText done={state} /> : <span class="muted">No changes</span>;
}

function DoneText({ done }: { readonly done: DoneDeploy }) {
  const { version, isUnchanged, isLive, url, tookMs } = done;
  if (isUnchanged) return <span class="muted">Nothing differs from version {version}.</span>;
  return (
    <span class="ok-text">
      {isLive ? `Version ${version} is live` : `Version ${version} is stored without calls`}
      <span class="muted"> · {durationText(tookMs)}</span>
      {isLive || url === undefined ? null : (
        <>
          {" · "}
          <a href={url} target="_blank" rel="noopener noreferrer">
            Open this version
          </a>
        </>
      )}
    </span>
  );
}
