import { useState } from "preact/hooks";
import { Link } from "wouter";
import { api } from "../api/client.ts";
import { useResource } from "../api/resource.ts";
import { allowed } from "../blocks/allowed.ts";
import { Button } from "../ui/button.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import { SearchField } from "../ui/field.tsx";
import { Empty, ProblemNotice } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";
import { usePaged } from "../ui/paged.ts";
import { Table } from "../ui/table.tsx";
import { showDone } from "../ui/toast.tsx";
import { When } from "../ui/values.tsx";
import { PutSecret } from "./put-secret.tsx";
import type { Secret, SecretUser } from "./secret.ts";

/** A new secret, a new value, or the end of one. */
type Asked =
  | { readonly action: "put"; readonly name?: string }
  | { readonly action: "delete"; readonly name: string };

/** All secrets: names, versions and users, never a value. */
export default function SecretsPage() {
  const found = usePaged<Secret>("/secret", "secrets");
  const [asked, setAsked] = useState<Asked>();
  const [search, setSearch] = useState("");
  const { rows, problem, reload, isLoading, hasMore, more } = found;
  const shown = rows.filter(({ name }) => name.includes(search.trim().toLowerCase()));
  const close = () => setAsked(undefined);
  return (
    <Page
      title="Secrets"
      actions={
        <Button kind="primary" icon="plus" onClick={() => setAsked({ action: "put" })} {...allowed("deploy")}>
          New secret
        </Button>
      }
    >
      <ProblemNotice problem={problem} retry={reload} />
      {isLoading ? <div class="loading">Loading…</div> : null}
      {!isLoading && problem === undefined && rows.length === 0 ? (
        <Empty title="No secret yet">
          <p>
            Store a password or a key here. A function that names it gets it as a variable of its environment;
            nobody can read it back.
          </p>
          <Button
            kind="primary"
            icon="plus"
            onClick={() => setAsked({ action: "put" })}
            {...allowed("deploy")}
          >
            New secret
          </Button>
        </Empty>
      ) : null}
      {rows.length > 8 ? (
        <div class="name-filters">
          <SearchField label="Search secrets" value={search} onChange={setSearch} />
        </div>
      ) : null}
      {rows.length === 0 ? null : (
        <Table
          label="Secrets"
          rows={shown}
          keyOf={({ name }) => name}
          columns={[
            { title: "Name", cell: ({ name }) => <strong class="mono">{name}</strong> },
            { title: "Version", cell: ({ version }) => version, isNumber: true },
            { title: "Used by", cell: ({ name, version }) => <Users key={version} name={name} /> },
            { title: "Changed", cell: ({ updatedAt }) => <When at={updatedAt} />, isExtra: true },
            {
              title: "Actions",
              cell: ({ name }) => (
                <div class="row-actions">
                  <Button small onClick={() => setAsked({ action: "put", name })} {...allowed("deploy")}>
                    New value
                  </Button>
                  <Button
                    small
                    kind="quiet"
                    icon="trash"
                    label={`Delete ${name}`}
                    onClick={() => setAsked({ action: "delete", name })}
                    {...allowed("deploy")}
                  />
                </div>
              ),
            },
          ]}
        />
      )}
      {hasMore ? (
        <div class="more">
          <Button onClick={more}>More secrets</Button>
        </div>
      ) : null}
      {asked?.action === "put" ? (
        <PutSecret
          {...(asked.name === undefined ? {} : { name: asked.name })}
          onClose={close}
          onDone={reload}
        />
      ) : null}
      {asked?.action === "delete" ? <Delete name={asked.name} onClose={close} onDone={reload} /> : null}
    </Page>
  );
}

/** Functions whose versions ask for a secret. */
function Users({ name }: { readonly name: string }) {
  const { data, problem } = useResource<{ readonly functions: readonly SecretUser[] }>(`/secret/${name}`);
  if (problem !== undefined) return <span class="muted">{problem.message}</span>;
  if (data === undefined) return <span class="muted">…</span>;
  const users = [...Map.groupBy(data.functions, (each) => each.name)];
  if (users.length === 0) return <span class="muted">no function</span>;
  return (
    <div class="users">
      {users.map(([user, versions]) => (
        <Link key={user} href={`/functions/${user}/secrets`}>
          {user}
          <span class="muted"> {versions.map(({ version }) => `v${version}`).join(", ")}</span>
        </Link>
      ))}
    </div>
  );
}

interface DeleteProps {
  readonly name: string;
  readonly onClose: () => void;
  readonly onDone: () => Promise<unknown>;
}

function Delete({ name, onClose, onDone }: DeleteProps) {
  const remove = async () => {
    await api.send("DELETE", `/secret/${name}`);
    await onDone();
    showDone(`${name} is deleted.`);
  };
  return (
    <FormDialog
      title={`Delete ${name}?`}
      action="Delete"
      kind="danger"
      typed={name}
      onSubmit={remove}
      onClose={onClose}
    >
      <p>
        Its values are lost. Skiff refuses this while a function in use asks for it. Versions that are not in
        use cannot start any more.
      </p>
    </FormDialog>
  );
}
