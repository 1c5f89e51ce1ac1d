import type { ComponentChildren } from "preact";
import { Link } from "wouter";
import { useAddressQuery } from "../blocks/address-query.ts";
import { Choices } from "../blocks/choices.tsx";
import { can } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { Checkbox, SearchField } from "../ui/field.tsx";
import { More } from "../ui/more.tsx";
import { Empty, Notice, ProblemNotice } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";
import { usePaged } from "../ui/paged.ts";
import { Table } from "../ui/table.tsx";
import { Badge, toneOfStatus, When } from "../ui/values.tsx";

interface Entry {
  readonly id: string;
  readonly at: string;
  readonly by: string;
  readonly from?: string;
  readonly action: string;
  readonly target: string;
  readonly status: number;
  readonly detail?: string;
  readonly callId?: string;
}

const EVERY_MS = 5_000;
const SINCE = [
  { value: "", text: "All" },
  { value: "1h", text: "Last hour" },
  { value: "1d", text: "Day" },
  { value: "7d", text: "Week" },
  { value: "30d", text: "30 days" },
] as const;
/** Pages of what an entry is about. */
const PAGES: Readonly<Record<string, string>> = {
  ...{ function: "functions", func: "functions", topic: "topics", subscription: "subscriptions" },
  ...{ schedule: "schedules", flow: "flows", call: "calls" },
};

/** Actions whose target is the name of a function. */
const OF_FUNCTIONS = /^(deploy|configure|delete|rollback|traffic|pin)$/;

/** Who changed what, and from where. */
export default function AuditPage() {
  const [get, set] = useAddressQuery();
  const [since, search] = [get("since"), get("search")];
  const query = { since: since || undefined, search: search || undefined };
  const entries = usePaged<Entry>("/audit", "entries", { query, everyMs: EVERY_MS });
  const { rows, isLoading, problem, reload } = entries;
  const hasDryRuns = get("dry") === "yes";
  // The editor of flows makes many, in which what was changed is hard to find.
  const shown = hasDryRuns ? rows : rows.filter(({ detail }) => detail !== "dry run");
  return (
    <Page title="Audit">
      {can("admin") ? null : (
        <Notice kind="info">The audit log is read with the scope “admin”, which your key lacks.</Notice>
      )}
      <div class="filter-row">
        <Choices label="Time" value={since} onChange={(value) => set({ since: value })} options={SINCE} />
        <div class="wide-field">
          <SearchField
            label="Who or what"
            placeholder="Part of who, or of what: token, key/, function/resize"
            value={search}
            onChange={(value) => set({ search: value })}
          />
        </div>
        <Checkbox
          label="Dry runs too"
          checked={hasDryRuns}
          onChange={(isOn) => set({ dry: isOn ? "yes" : "" })}
        />
      </div>
      <ProblemNotice problem={problem} retry={reload} />
      {isLoading ? <div class="loading">Loading…</div> : null}
      {shown.length > 0 ? <Entries entries={shown} /> : null}
      {rows.length > 0 && shown.length === 0 ? <p class="muted">Only dry runs so far.</p> : null}
      {isLoading || problem !== undefined || rows.length > 0 ? null : (
        <Empty title={since === "" && search === "" ? "No entry yet" : "No entry matches"}>
          {since === "" && search === "" ? (
            <p>Every request that changes something leaves an entry: deploy a function, and it is here.</p>
          ) : (
            <Button onClick={() => set({ since: "", search: "" })}>Show all entries</Button>
          )}
        </Empty>
      )}
      <More list={entries} />
    </Page>
  );
}

function Entries({ entries }: { readonly entries: readonly Entry[] }) {
  return (
    <Table
      label="Audit log"
      rows={entries}
      keyOf={({ id }) => id}
      columns={[
        { title: "When", cell: ({ at }) => <When at={at} /> },
        {
          title: "Who",
          cell: ({ by, from }) => (
            <div class="stack-tight">
              <span>{by}</span>
              {from === undefined ? null : <span class="muted number">{from}</span>}
            </div>
          ),
        },
        { title: "Action", cell: ({ action }) => <code class="short">{action}</code> },
        {
          title: "Target",
          cell: ({ action, target, detail }) => (
            <div class="stack-tight">
              <Target action={action} text={target} />
              {detail === undefined || detail === "" ? null : <span class="muted error-text">{detail}</span>}
            </div>
          ),
          isExtra: true,
        },
        { title: "Status", cell: ({ status }) => <Badge tone={toneOfStatus(status)}>{status}</Badge> },
      ]}
    />
  );
}

/** What an entry is about, as a link where it has a page. */
function Target({ action, text }: { readonly action: string; readonly text: string }): ComponentChildren {
  if (OF_FUNCTIONS.test(action) && /^[a-z0-9-]+$/.test(text))
    return <Link href={`/functions/${text}`}>{text}</Link>;
  const [kind, name] = text.split("/");
  const page = PAGES[kind!];
  return page === undefined || name === undefined ? text : <Link href={`/${page}/${name}`}>{text}</Link>;
}
