import { useState } from "preact/hooks";
import { api } from "../api/client.ts";
import { allowed } from "../blocks/allowed.ts";
import { can, holder } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import { Select } from "../ui/field.tsx";
import { More } from "../ui/more.tsx";
import { Empty, Notice, ProblemNotice } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";
import { usePaged } from "../ui/paged.ts";
import { showDone } from "../ui/toast.tsx";
import type { Key, NewKey } from "./key.ts";
import { KeyForm } from "./key-form.tsx";
import { KeysTable } from "./keys-table.tsx";
import { ShownOnce } from "./shown-once.tsx";

const EVERY_MS = 10_000;

type Open =
  | { readonly kind: "new" }
  | { readonly kind: "change" | "rotate" | "revoke"; readonly key: Key }
  | { readonly kind: "shown"; readonly made: NewKey };

/** Keys of the API. */
export default function KeysPage() {
  const keys = usePaged<Key>("/key", "keys", { everyMs: EVERY_MS });
  const [open, setOpen] = useState<Open>();
  // A dialog that gives way to the next one must not close that one.
  const close = (from: Open) => setOpen((now) => (now === from ? undefined : now));
  const newKey = (
    <Button kind="primary" icon="plus" onClick={() => setOpen({ kind: "new" })} {...allowed("admin")}>
      New key
    </Button>
  );
  const revoke = async (key: Key) => {
    await api.send("DELETE", `/key/${key.id}`);
    showDone(`The key ${key.name ?? key.id} is revoked.`);
    await keys.reload();
  };
  return (
    <Page title="Keys" actions={newKey}>
      {can("admin") ? null : (
        <Notice kind="info">Keys are read and changed with the scope “admin”, which your key lacks.</Notice>
      )}
      <ProblemNotice problem={keys.problem} retry={keys.reload} />
      {keys.isLoading ? <div class="loading">Loading…</div> : null}
      {keys.rows.length > 0 ? (
        <KeysTable
          keys={keys.rows}
          own={holder.value?.keyId}
          onAction={(kind, key) => setOpen({ kind, key })}
        />
      ) : null}
      {keys.isLoading || keys.problem !== undefined || keys.rows.length > 0 ? null : (
        <Empty title="No key yet">
          <p>A key lets a program or a person use the API, within its scopes, for some functions or all.</p>
          {newKey}
        </Empty>
      )}
      <More list={keys} />
      {open?.kind === "new" ? (
        <KeyForm
          onClose={() => close(open)}
          onDone={keys.reload}
          onCreated={(made) => setOpen({ kind: "shown", made })}
        />
      ) : null}
      {open?.kind === "change" ? (
        <KeyForm old={open.key} onClose={() => close(open)} onDone={keys.reload} />
      ) : null}
      {open?.kind === "rotate" ? (
        <RotateDialog
          of={open.key}
          onClose={() => close(open)}
          onRotated={async (made) => {
            setOpen({ kind: "shown", made });
            await keys.reload();
          }}
        />
      ) : null}
      {open?.kind === "revoke" ? (
        <FormDialog
          title={`Revoke ${open.key.name ?? open.key.id}?`}
          action="Revoke"
          kind="danger"
          onSubmit={() => revoke(open.key)}
          onClose={() => close(open)}
        >
          <p>Programs that use it get 401 within a second. It cannot be undone.</p>
        </FormDialog>
      ) : null}
      {open?.kind === "shown" ? <ShownOnce made={open.made} onClose={() => setOpen(undefined)} /> : null}
    </Page>
  );
}

interface RotateDialogProps {
  readonly of: Key;
  readonly onClose: () => void;
  readonly onRotated: (made: NewKey) => Promise<void>;
}

function RotateDialog({ of: key, onClose, onRotated }: RotateDialogProps) {
  const [overlap, setOverlap] = useState("24h");
  const rotate = async () => {
    await onRotated(await api.send<NewKey>("POST", `/key/${key.id}/rotate`, { query: { overlap } }));
  };
  return (
    <FormDialog
      title={`Rotate ${key.name ?? key.id}?`}
      action="Rotate"
      kind={overlap === "0" ? "danger" : "primary"}
      onSubmit={rotate}
      onClose={onClose}
    >
      <p>
        The key gets a new secret, which Skiff shows once.
        {overlap === "0" ? " Programs with the secret before get 401 within a second." : null}
      </p>
      <Select
        label="The secret before stays valid"
        value={overlap}
        onChange={setOverlap}
        options={[
          { value: "0", text: "not at all" },
          { value: "1h", text: "for an hour" },
          { value: "24h", text: "for a day" },
          { value: "7d", text: "for 7 days" },
        ]}
      />
    </FormDialog>
  );
}
