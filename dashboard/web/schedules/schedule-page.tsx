import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter";
import { api } from "../api/client.ts";
import { useResource } from "../api/resource.ts";
import { allowed } from "../blocks/allowed.ts";
import { BodyText } from "../blocks/body-text.tsx";
import { type Declared, readDeclared } from "../blocks/declared.ts";
import { Facts } from "../blocks/facts.tsx";
import type { CallRecord } from "../calls/call.ts";
import { CallsTable } from "../calls/calls-table.tsx";
import { Button } from "../ui/button.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import { More } from "../ui/more.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { Loaded, Page, Section } from "../ui/page.tsx";
import { usePaged } from "../ui/paged.ts";
import { Table } from "../ui/table.tsx";
import { Badge, When } from "../ui/values.tsx";
import { PauseOrResume, RunNow } from "./actions.tsx";
import { zoned } from "./cron-field.tsx";
import { ScheduleBadge } from "./list-page.tsx";
import { type Firing, isPaused, OUTCOMES, type Schedule, type ScheduleSpec, targetOf } from "./schedule.ts";
import { ScheduleForm } from "./schedule-form.tsx";

const EVERY_MS = 2_000;

type Open =
  | { readonly kind: "edit"; readonly declared: Declared<ScheduleSpec> }
  | { readonly kind: "delete" };

/** One schedule: its next times, what became of the last ones, and its calls. */
export default function SchedulePage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name!;
  const path = `/schedule/${name}`;
  const found = useResource<Schedule>(path, { everyMs: EVERY_MS });
  const firings = usePaged<Firing>(`${path}/firings`, "firings", { everyMs: EVERY_MS });
  const calls = usePaged<CallRecord>("/call", "calls", {
    query: { schedule: name, limit: 20 },
    everyMs: EVERY_MS,
  });
  const [open, setOpen] = useState<Open>();
  const [, go] = useLocation();
  const close = () => setOpen(undefined);
  const reload = async () => void (await Promise.all([found.reload(), firings.reload(), calls.reload()]));
  const edit = async () => setOpen({ kind: "edit", declared: await readDeclared<ScheduleSpec>(path) });
  const remove = async () => {
    await api.send("DELETE", path);
    go("/schedules");
  };
  const schedule = found.data;
  return (
    <Page
      title={name}
      name={`Schedule ${name}`}
      parent={{ href: "/schedules", text: "Schedules" }}
      badges={schedule === undefined ? undefined : <ScheduleBadge schedule={schedule} />}
      actions={
        schedule === undefined ? undefined : (
          <>
            <RunNow schedule={schedule} onDone={reload} />
            <PauseOrResume schedule={schedule} onDone={reload} />
            <Button icon="edit" onClick={edit} {...allowed("deploy")}>
              Change
            </Button>
            <Button
              icon="trash"
              kind="danger"
              onClick={() => setOpen({ kind: "delete" })}
              {...allowed("deploy")}
            >
              Delete
            </Button>
          </>
        )
      }
    >
      <Loaded from={found}>{(shown) => <About schedule={shown} />}</Loaded>
      <Section title="History">
        <ProblemNotice problem={firings.problem} retry={firings.reload} />
        {firings.rows.length === 0 && !firings.isLoading ? (
          <p class="muted">No time has come yet. Run it now to see what it does.</p>
        ) : null}
        {firings.rows.length === 0 ? null : (
          <Firings firings={firings.rows} flow={schedule?.spec.run?.flow} />
        )}
        <More list={firings} />
      </Section>
      {calls.rows.length === 0 ? null : (
        <Section title="Calls" actions={<Link href={`/calls?schedule=${name}`}>All its calls</Link>}>
          <CallsTable calls={calls.rows} onChange={calls.reload} hasOrigin={false} />
        </Section>
      )}
      {open?.kind === "edit" ? (
        <ScheduleForm name={name} declared={open.declared} onClose={close} onDone={reload} />
      ) : null}
      {open?.kind === "delete" ? (
        <FormDialog title={`Delete ${name}?`} action="Delete" kind="danger" onSubmit={remove} onClose={close}>
          <p>Nothing fires any more. Calls that wait already still run. It cannot be undone.</p>
        </FormDialog>
      ) : null}
    </Page>
  );
}

function About({ schedule }: { readonly schedule: Schedule }) {
  const { spec, next = [], noState, faults, createdAt } = schedule;
  const target = targetOf(spec);
  const content = spec.call?.body ?? spec.run?.input ?? spec.event?.data;
  const zone = spec.timeZone ?? "UTC";
  return (
    <>
      {noState === undefined ? null : <Notice kind="warn">{noState}</Notice>}
      {faults === undefined ? null : (
        <Notice kind="bad" title="Its spec is not valid">
          {faults.join(" ")}
        </Notice>
      )}
      <Facts
        facts={[
          ["Times", <code>{spec.cron}</code>],
          ["Time zone", zone],
          ["Target", <Link href={target.href}>{target.text}</Link>],
          ["Method", spec.call === undefined ? undefined : (spec.call.method ?? "POST")],
          ["While the one before runs", spec.overlap ?? "skip"],
          ["Missed times", spec.missed ?? "once"],
          ["Late by up to", spec.jitter],
          ["Created", <When at={createdAt} />],
        ]}
      />
      <div class="two">
        <Section title="Next times">
          {isPaused(schedule) || next.length === 0 ? (
            <p class="muted">{isPaused(schedule) ? "None while it is paused." : "None."}</p>
          ) : (
            <ol class="next-times card">
              {next.map((time) => (
                <li key={time}>
                  <span>{zoned(Date.parse(time), zone)}</span> <When at={time} />
                </li>
              ))}
            </ol>
          )}
        </Section>
        {content === undefined ? null : (
          <Section title={spec.call === undefined ? "What it sends" : "Body"}>
            <BodyText
              label="What it sends"
              text={typeof content === "string" ? content : JSON.stringify(content)}
              type={typeof content === "string" ? "text/plain" : "application/json"}
            />
          </Section>
        )}
      </div>
    </>
  );
}

interface FiringsProps {
  readonly firings: readonly Firing[];
  readonly flow: string | undefined;
}

function Firings({ firings, flow }: FiringsProps) {
  return (
    <Table
      label="What became of its times"
      rows={firings}
      keyOf={({ at }) => at}
      columns={[
        { title: "Time", cell: ({ at }) => <When at={at} /> },
        {
          title: "Outcome",
          cell: ({ outcome }) => (
            <Badge tone={OUTCOMES[outcome].tone} title={OUTCOMES[outcome].title}>
              {outcome}
            </Badge>
          ),
        },
        {
          title: "Late",
          cell: ({ at, firedAt, outcome }) =>
            outcome === "fired" ? `${Date.parse(firedAt) - Date.parse(at)} ms` : <span class="muted">–</span>,
          isNumber: true,
          isExtra: true,
        },
        {
          title: "Result",
          cell: ({ call, run }) => {
            if (run !== undefined && flow !== undefined)
              return <Link href={`/flows/${flow}/runs/${run}`}>Open the run</Link>;
            if (call !== undefined) return <Link href={`/calls/${call}`}>Open the call</Link>;
            return <span class="muted">–</span>;
          },
        },
      ]}
    />
  );
}
