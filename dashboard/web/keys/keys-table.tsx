import { allowed } from "../blocks/allowed.ts";
import { Button } from "../ui/button.tsx";
import { Table } from "../ui/table.tsx";
import { Badge, When } from "../ui/values.tsx";
import { type Key, quotaText } from "./key.ts";

export interface KeysTableProps {
  readonly keys: readonly Key[];
  /** The key of this page. */
  readonly own: string | undefined;
  readonly onAction: (kind: "change" | "rotate" | "revoke", key: Key) => void;
}

export function KeysTable({ keys, own, onAction }: KeysTableProps) {
  return (
    <Table
      label="Keys"
      rows={keys}
      keyOf={({ id }) => id}
      columns={[
        {
          title: "Name",
          cell: ({ id, name, state, createdBy }) => (
            <div class="stack-tight">
              <span>
                <strong>{name ?? "unnamed"}</strong>{" "}
                {state === "active" ? null : <Badge tone="bad">{state}</Badge>}{" "}
                {id === own ? <Badge tone="info">this page</Badge> : null}
              </span>
              <span
                class="muted mono"
                title={createdBy === undefined ? undefined : `Created by ${createdBy}`}
              >
                {id}
              </span>
            </div>
          ),
        },
        {
          title: "Scopes",
          cell: ({ scopes = [] }) => (
            <span class="badges-line">
              {scopes.map((scope) => (
                <Badge key={scope} tone={scope === "admin" ? "warn" : "quiet"}>
                  {scope}
                </Badge>
              ))}
            </span>
          ),
        },
        {
          title: "Functions",
          cell: ({ functions, quota }) => (
            <div class="stack-tight">
              <span class={functions === undefined ? "muted" : undefined}>
                {functions?.join(", ") ?? "all"}
              </span>
              {quota === undefined ? null : <span class="muted">{quotaText(quota)}</span>}
            </div>
          ),
          isExtra: true,
        },
        { title: "Expires", cell: ({ expiresAt }) => <When at={expiresAt} />, isExtra: true },
        {
          title: "Last use",
          cell: ({ lastUsedAt, previousUntil }) => (
            <div class="stack-tight">
              <When at={lastUsedAt} />
              {previousUntil === undefined ? null : (
                <span class="muted">
                  old secret ends <When at={previousUntil} />
                </span>
              )}
            </div>
          ),
          isExtra: true,
        },
        {
          title: "Action",
          cell: (key) => (
            <span class="badges-line">
              <Button
                small
                kind="quiet"
                icon="edit"
                label={`Change ${key.name ?? key.id}`}
                onClick={() => onAction("change", key)}
                {...allowed("admin", "Change")}
              />
              <Button
                small
                kind="quiet"
                icon="retry"
                label={`Rotate ${key.name ?? key.id}`}
                onClick={() => onAction("rotate", key)}
                {...allowed("admin", "Rotate: a new secret")}
              />
              <Button
                small
                kind="quiet"
                icon="trash"
                label={`Revoke ${key.name ?? key.id}`}
                onClick={() => onAction("revoke", key)}
                {...allowed("admin", "Revoke")}
              />
            </span>
          ),
        },
      ]}
    />
  );
}
