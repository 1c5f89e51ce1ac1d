import { useState } from "preact/hooks";
import { useLocation } from "wouter";
import { api } from "../../api/client.ts";
import { allowed, allowedToMaker } from "../../blocks/allowed.ts";
import { AskedButton } from "../../blocks/asked-button.tsx";
import { Button } from "../../ui/button.tsx";
import { FormDialog } from "../../ui/dialog.tsx";
import { TextField } from "../../ui/field.tsx";
import { isLive, type RunPartProps } from "./run.ts";

/** What can be done with a run as a whole. */
export function RunActions({ run, path, reload, begun }: RunPartProps) {
  const [, go] = useLocation();
  const [isCancelling, setCancelling] = useState(false);
  const [reason, setReason] = useState("");
  const act = async (what: string) => {
    await api.send("POST", `${path}/${what}`);
    begun();
    await reload();
  };
  const remove = async () => {
    await api.send("DELETE", path);
    go(`/flows/${run.flow}`);
  };
  const cancel = async () => {
    await api.send("POST", `${path}/cancel`, { query: { reason: reason || undefined } });
    await reload();
  };
  return (
    <>
      {run.state === "paused" ? (
        <Button icon="play" onClick={() => act("resume")} {...allowed("deploy")}>
          Resume
        </Button>
      ) : isLive(run) ? (
        <Button
          icon="pause"
          title="No further step starts"
          onClick={() => act("pause")}
          {...allowed("deploy")}
        >
          Pause
        </Button>
      ) : null}
      {isLive(run) ? (
        <Button kind="danger" icon="stop" onClick={() => setCancelling(true)} {...allowedToMaker(run.by)}>
          Cancel
        </Button>
      ) : (
        <>
          {run.state === "done" ? null : (
            <Button
              kind="primary"
              icon="retry"
              onClick={() => act("retry")}
              {...allowedToMaker(run.by, "From what failed; steps that are done keep their outputs")}
            >
              Retry
            </Button>
          )}
          <AskedButton
            kind="danger"
            icon="trash"
            question="Remove the run?"
            action="Remove"
            outcome="Its steps, inputs, outputs and history are gone for good."
            onSubmit={remove}
            {...allowed("deploy")}
          >
            Remove
          </AskedButton>
        </>
      )}
      {isCancelling ? (
        <FormDialog
          title="Cancel the run?"
          action="Cancel the run"
          kind="danger"
          onSubmit={cancel}
          onClose={() => setCancelling(false)}
        >
          <p>
            No further step starts. Steps of <code>finally</code> run. What is done stays done.
          </p>
          <TextField label="Reason" value={reason} onChange={setReason} autoFocus />
        </FormDialog>
      ) : null}
    </>
  );
}
