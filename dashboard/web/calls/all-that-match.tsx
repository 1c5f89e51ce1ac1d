import { useState } from "preact/hooks";
import { api, type Query } from "../api/client.ts";
import { allowed } from "../blocks/allowed.ts";
import { Button } from "../ui/button.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import { Select } from "../ui/field.tsx";
import { showDone } from "../ui/toast.tsx";
import type { CallState } from "./call.ts";

export interface AllThatMatchProps {
  /** Of the list, without its state. */
  readonly query: Query;
  readonly onDone: () => unknown;
}

/** Retries all dead calls that the filter matches. */
export function RetryAll({ query, onDone }: AllThatMatchProps) {
  const [isAsking, setAsking] = useState(false);
  const retry = async () => {
    const path = "/call/retry";
    const answer = await api.send<{ retried: number; more: boolean }>("POST", path, {
      query: { ...query, state: "dead" },
    });
    showDone(`${countText(answer.retried, "call")} wait again${answer.more ? "; more are dead" : ""}.`);
    await onDone();
  };
  return (
    <>
      <Button icon="retry" onClick={() => setAsking(true)} {...allowed("deploy")}>
        Retry all dead
      </Button>
      {isAsking ? (
        <FormDialog
          title="Retry all dead calls?"
          action="Retry"
          onSubmit={retry}
          onClose={() => setAsking(false)}
        >
          <p>
            All dead calls {scopeText(query)} wait again, with all their attempts. That concerns calls that
            this page does not show as well.
          </p>
        </FormDialog>
      ) : null}
    </>
  );
}

const WHAT = [
  { value: "waiting", text: "Cancel calls that wait" },
  { value: "done", text: "Remove records of calls that are done" },
  { value: "dead", text: "Remove records of dead calls" },
  { value: "cancelled", text: "Remove records of cancelled calls" },
  { value: "done,dead,cancelled", text: "Remove records of all ended calls" },
] as const;

/** Cancels or removes all calls that the filter matches. */
export function RemoveAll({ query, onDone, state }: AllThatMatchProps & { readonly state: CallState | "" }) {
  const [isAsking, setAsking] = useState(false);
  const first = WHAT.find(({ value }) => value === state)?.value ?? "done";
  const [what, setWhat] = useState<(typeof WHAT)[number]["value"]>(first);
  const remove = async () => {
    const answer = await api.send<{ cancelled: number; removed: number; more: boolean }>("DELETE", "/call", {
      query: { ...query, state: what },
    });
    const { cancelled, removed, more } = answer;
    showDone(`${cancelled} cancelled, ${removed} removed${more ? "; more match" : ""}.`);
    await onDone();
  };
  return (
    <>
      <Button
        icon="trash"
        onClick={() => {
          setWhat(first);
          setAsking(true);
        }}
        {...allowed("deploy")}
      >
        Cancel or remove…
      </Button>
      {isAsking ? (
        <FormDialog
          title="Cancel or remove calls?"
          action="Cancel or remove"
          kind="danger"
          onSubmit={remove}
          onClose={() => setAsking(false)}
        >
          <Select label="What" value={what} onChange={setWhat} options={WHAT} />
          <p>
            It concerns all calls {scopeText(query)}, also those that this page does not show. It cannot be
            undone.
          </p>
        </FormDialog>
      ) : null}
    </>
  );
}

function scopeText(query: Query): string {
  const parts = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  return parts.length === 0
    ? "of this installation"
    : `with ${parts.map(([name, value]) => `${name} ${value}`).join(", ")}`;
}

function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
