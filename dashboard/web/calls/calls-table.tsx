import { Link } from "wouter";
import { api } from "../api/client.ts";
import { allowedToMaker } from "../blocks/allowed.ts";
import { AskedButton } from "../blocks/asked-button.tsx";
import { Button, type ButtonProps } from "../ui/button.tsx";
import { Table } from "../ui/table.tsx";
import { showDone } from "../ui/toast.tsx";
import { Duration, When } from "../ui/values.tsx";
import { type CallRecord, originLink, targetText, tookMs } from "./call.ts";
import { CallBadge } from "./call-badge.tsx";

export interface CallsTableProps {
  readonly calls: readonly CallRecord[];
  /** After a call was changed. */
  readonly onChange: () => unknown;
  /** Where all have the same origin. */
  readonly hasOrigin?: boolean;
}

export function CallsTable({ calls, onChange, hasOrigin = true }: CallsTableProps) {
  return (
    <Table
      label="Asynchronous calls"
      rows={calls}
      keyOf={({ id }) => id}
      href={({ id }) => `/calls/${id}`}
      columns={[
        {
          title: "Call",
          cell: (call) => (
            <div class="call-name">
              <Link href={`/calls/${call.id}`} class="mono">
                {targetText(call)}
              </Link>
              {call.reason === undefined ? null : (
                <span class="reason muted" title={call.reason}>
                  {call.reason}
                </span>
              )}
            </div>
          ),
        },
        { title: "State", cell: (call) => <CallBadge call={call} /> },
        { title: "Attempts", cell: attemptsText, isNumber: true, isExtra: true },
        { title: "Accepted", cell: ({ acceptedAt }) => <When at={acceptedAt} />, isExtra: true },
        { title: "Due or took", cell: (call) => <Next call={call} />, isExtra: true },
        ...(hasOrigin
          ? [{ title: "From", cell: (call: CallRecord) => <Origin call={call} />, isExtra: true }]
          : []),
        { title: "Action", cell: (call) => <Action call={call} onChange={onChange} /> },
      ]}
    />
  );
}

function attemptsText({ attempts, retry }: CallRecord): string {
  return `${attempts.length} of ${retry.attempts}`;
}

/** When it goes on, or how long it took. */
function Next({ call }: { readonly call: CallRecord }) {
  if (call.state === "waiting") return <When at={call.dueAt} />;
  const ms = tookMs(call);
  return ms === undefined ? (
    <span class="muted">–</span>
  ) : (
    <span class="muted short">
      took <Duration ms={ms} />
    </span>
  );
}

export function Origin({ call }: { readonly call: CallRecord }) {
  const { text, href } = originLink(call.origin);
  return href === undefined ? <span class="muted">{text}</span> : <Link href={href}>{text}</Link>;
}

function Action({
  call: { id, state, by },
  onChange,
}: {
  readonly call: CallRecord;
  readonly onChange: () => unknown;
}) {
  if (state === "dead") {
    const retry = async () => {
      await retryCall(id);
      await onChange();
    };
    return (
      <Button small icon="retry" onClick={retry} {...allowedToMaker(by, "All its attempts begin anew")}>
        Retry
      </Button>
    );
  }
  if (state !== "waiting") return null;
  const cancel = async () => {
    await removeCall(id);
    await onChange();
  };
  return <CancelCall small kind="quiet" by={by} onSubmit={cancel} />;
}

interface CancelCallProps extends Pick<ButtonProps, "kind" | "small"> {
  /** Who made the call. */
  readonly by: string | undefined;
  readonly onSubmit: () => Promise<unknown>;
}

/** Cancels a call that waits, after a question. */
export function CancelCall({ by, ...props }: CancelCallProps) {
  return (
    <AskedButton
      {...props}
      icon="close"
      question="Cancel this call?"
      action="Cancel the call"
      outcome="It is never made, and cannot be brought back."
      {...allowedToMaker(by)}
    >
      Cancel
    </AskedButton>
  );
}

export async function retryCall(id: string): Promise<void> {
  await api.send("POST", `/call/${id}/retry`);
  showDone("The call waits again, with all its attempts.");
}

/** Cancels a call that waits, removes the record of one that has ended. */
export async function removeCall(id: string): Promise<void> {
  await api.send("DELETE", `/call/${id}`);
}
