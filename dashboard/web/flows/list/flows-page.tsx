import { useState } from "preact/hooks";
import { Link } from "wouter";
import { allowed } from "../../blocks/allowed.ts";
import { can } from "../../session/session.ts";
import { Button, LinkButton } from "../../ui/button.tsx";
import { SearchField } from "../../ui/field.tsx";
import { Empty, ProblemNotice } from "../../ui/notice.tsx";
import { Page } from "../../ui/page.tsx";
import { usePaged } from "../../ui/paged.ts";
import { Table } from "../../ui/table.tsx";
import { Badge, Count, When } from "../../ui/values.tsx";
import { type FlowDocument, triggerTexts } from "../flow/flow.ts";
import { StartRun } from "../flow/start-run.tsx";

const EVERY_MS = 5_000;

/** All flows: what begins them and how their runs are. */
export default function FlowsPage() {
  const { rows, problem, isLoading, hasMore, more, reload } = usePaged<FlowDocument>("/flow", "flows", {
    everyMs: EVERY_MS,
  });
  const [search, setSearch] = useState("");
  const [started, setStarted] = useState<string>();
  const shown = rows.filter(({ name }) => name.includes(search.trim().toLowerCase()));
  return (
    <Page
      title="Flows"
      actions={
        <>
          <LinkButton href="/runs">All runs</LinkButton>
          {can("deploy") ? (
            <LinkButton href="/flows/new" kind="primary" icon="plus">
              New flow
            </LinkButton>
          ) : null}
        </>
      }
    >
      <ProblemNotice problem={problem} retry={reload} />
      {isLoading ? <div class="loading">Loading…</div> : null}
      {!isLoading && rows.length === 0 && problem === undefined ? (
        <Empty title="No flow yet">
          <p>
            A flow connects functions: steps that run in order or at the same time, survive restarts, and can
            be retried.
          </p>
          {can("deploy") ? (
            <LinkButton href="/flows/new" kind="primary" icon="plus">
              Make a flow
            </LinkButton>
          ) : null}
        </Empty>
      ) : null}
      {rows.length === 0 ? null : (
        <div class="stack">
          <div class="name-filters">
            <SearchField label="Search" value={search} onChange={setSearch} />
          </div>
          <Table
            label="Flows"
            rows={shown}
            keyOf={({ name }) => name}
            href={({ name }) => `/flows/${name}`}
            columns={[
              { title: "Name", cell: nameCell },
              { title: "Triggers", cell: (flow) => triggerTexts(flow).join(", "), isExtra: true },
              { title: "Live runs", cell: ({ runs }) => <Live runs={runs} /> },
              { title: "Done", cell: ({ runs }) => <Count value={runs?.done} />, isNumber: true },
              { title: "Failed", cell: ({ runs }) => <Failed count={runs?.failed} />, isNumber: true },
              { title: "Changed", cell: ({ updatedAt }) => <When at={updatedAt} />, isExtra: true },
              {
                title: "",
                cell: ({ name }) => (
                  <Button small icon="play" onClick={() => setStarted(name)} {...allowed("call")}>
                    Run
                  </Button>
                ),
              },
            ]}
          />
          {hasMore ? <Button onClick={more}>Show more</Button> : null}
        </div>
      )}
      {started === undefined ? null : <StartRun name={started} onClose={() => setStarted(undefined)} />}
    </Page>
  );
}

function nameCell({ name, faults, description }: FlowDocument) {
  return (
    <>
      <Link href={`/flows/${name}`}>{name}</Link> {faults ? <Badge tone="bad">has faults</Badge> : null}
      {description === undefined ? null : <div class="muted">{description}</div>}
    </>
  );
}

function Live({ runs = {} }: { readonly runs: FlowDocument["runs"] }) {
  const live = ["running", "waiting", "retrying", "queued", "paused"].filter(
    (state) => (runs[state] ?? 0) > 0,
  );
  if (live.length === 0) return <span class="muted">none</span>;
  return (
    <span class="badges-line">
      {live.map((state) => (
        <Badge key={state} tone={state === "running" ? "info" : "warn"}>
          {runs[state]} {state}
        </Badge>
      ))}
    </span>
  );
}

function Failed({ count = 0 }: { readonly count: number | undefined }) {
  return count === 0 ? <span class="muted">0</span> : <Badge tone="bad">{count}</Badge>;
}
