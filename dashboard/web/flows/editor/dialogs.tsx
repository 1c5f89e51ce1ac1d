import { useState } from "preact/hooks";
import { MergeView } from "../../editor/merge-view.tsx";
import { Button } from "../../ui/button.tsx";
import { Dialog, FormDialog } from "../../ui/dialog.tsx";
import { TextField } from "../../ui/field.tsx";
import { Notice } from "../../ui/notice.tsx";
import { showDone } from "../../ui/toast.tsx";
import type { FlowSession, Stored } from "./session.ts";

interface DialogProps {
  readonly session: FlowSession;
  readonly onClose: () => void;
}

/** Asks for a message and makes the text the newest version. */
export function DeployDialog({
  session,
  onClose,
  onDeployed,
}: DialogProps & { readonly onDeployed: () => void }) {
  const [message, setMessage] = useState("");
  const { dryRun } = session;
  const deploy = async () => {
    await session.deploy(message);
    if (session.conflict.value === undefined) {
      showDone(`Version ${session.stored.value.version} of ${session.name.value} is live.`);
      onDeployed();
    }
  };
  return (
    <FormDialog title={`Deploy ${session.name.value}`} action="Deploy" onSubmit={deploy} onClose={onClose}>
      {(dryRun.value?.warnings ?? []).map((warning) => (
        <Notice key={warning} kind="warn">
          {warning}
        </Notice>
      ))}
      <TextField
        label="Message"
        hint="What changes, for those who read the versions. May be empty."
        value={message}
        onChange={setMessage}
        autoFocus
      />
    </FormDialog>
  );
}

/** Makes a flow of the JSON of Klusterfuck. */
export function ImportDialog({ session, onClose }: DialogProps) {
  const [json, setJson] = useState("");
  const [warnings, setWarnings] = useState<readonly string[]>();
  const convert = async () => {
    const found = await session.language.ask("convert", { json, name: session.name.value || undefined });
    session.change(found.text);
    setWarnings(found.warnings);
  };
  const read = async (file: File | undefined) => {
    if (file !== undefined) setJson(await file.text());
  };
  if (warnings !== undefined) {
    return (
      <Dialog title="Imported" onClose={onClose}>
        {warnings.length === 0 ? <p>Everything has the same meaning here.</p> : null}
        <ul class="warnings">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
        <Button kind="primary" onClick={onClose}>
          Continue
        </Button>
      </Dialog>
    );
  }
  return (
    <Dialog title="Import a flow of Klusterfuck" onClose={onClose}>
      <div class="fields">
        <p class="muted">The text in the editor is replaced; undo brings it back.</p>
        <label class="file">
          <span>File</span>
          <input
            type="file"
            accept=".json,application/json"
            onChange={(event) => void read(event.currentTarget.files?.[0])}
          />
        </label>
        <TextField label="or its JSON" rows={8} mono value={json} onChange={setJson} />
        <Button kind="primary" disabled={json.trim() === ""} onClick={convert}>
          Import
        </Button>
      </div>
    </Dialog>
  );
}

/** Theirs at the left, mine at the right. */
export function ConflictView({
  session,
  theirs,
}: {
  readonly session: FlowSession;
  readonly theirs: Stored;
}) {
  const deploy = async () => {
    await session.deployOnTop(theirs);
    if (session.conflict.value === undefined)
      showDone(`Version ${session.stored.value.version} of ${session.name.value} is live.`);
  };
  return (
    <div class="flow-conflict">
      <Notice kind="warn" title={`Somebody else deployed version ${theirs.version} in the meantime`}>
        <p>
          At the left is theirs, at the right is yours. Arrows take a part from the left, and you can edit the
          right side.
        </p>
        <div class="row">
          <Button kind="primary" onClick={deploy}>
            Deploy mine on top
          </Button>
          <Button
            onClick={() => {
              session.conflict.value = undefined;
              session.open(theirs);
            }}
          >
            Take theirs
          </Button>
          <Button
            onClick={() => {
              session.conflict.value = undefined;
            }}
          >
            Back to the editor
          </Button>
        </div>
      </Notice>
      <MergeView
        key={theirs.version}
        {...{ original: theirs.text, value: session.text.peek(), language: "yaml" }}
        labels={[`Version ${theirs.version}`, "Your text"]}
        onChange={(text) => session.change(text)}
      />
    </div>
  );
}
