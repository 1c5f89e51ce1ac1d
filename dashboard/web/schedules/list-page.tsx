import { useState } from "preact/hooks";
import { Link } from "wouter";
import { allowed } from "../blocks/allowed.ts";
import { Button } from "../ui/button.tsx";
import { More } from "../ui/more.tsx";
import { Empty, ProblemNotice } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";
import { usePaged } from "../ui/paged.ts";
import { Table } from "../ui/table.tsx";
import { Badge, When } from "../ui/values.tsx";
import { PauseOrResume, RunNow } from "./actions.tsx";
import { isPaused, OUTCOMES, type Schedule, targetOf } from "./schedule.ts";
import { ScheduleForm } from "./schedule-form.tsx";

const EVERY_MS = 3_000;

/** All schedules of their own. Those of a setting are on the page of their function. */
export default function SchedulesPage() {
  const schedules = usePaged<Schedule>("/schedule", "schedules", { everyMs: EVERY_MS });
  const [isMaking, setMaking] = useState(false);
  const newSchedule = (
    <Button kind="primary" icon="plus" onClick={() => setMaking(true)} {...allowed("deploy")}>
      New schedule
    </Button>
  );
  const { rows, isLoading, problem, reload } = schedules;
  return (
    <Page title="Schedules" actions={newSchedule}>
      <ProblemNotice problem={problem} retry={reload} />
      {isLoading ? <div class="loading">Loading…</div> : null}
      {rows.length > 0 ? <SchedulesTable schedules={rows} onChange={reload} /> : null}
      {isLoading || problem !== undefined || rows.length > 0 ? null : (
        <Empty title="No schedule yet">
          <p>
            A schedule calls a function, begins a run of a flow or publishes an event at the times of a cron
            expression. Each time fires once, and its outcome can be read.
          </p>
          {newSchedule}
        </Empty>
      )}
      <More list={schedules} />
      {isLoading ? null : (
        <p class="muted below">
          Times of the setting “cron” are on the page of their function, under Schedules.
        </p>
      )}
      {isMaking ? <ScheduleForm onClose={() => setMaking(false)} onDone={reload} /> : null}
    </Page>
  );
}

interface SchedulesTableProps {
  readonly schedules: readonly Schedule[];
  readonly onChange: () => unknown;
}

function SchedulesTable({ schedules, onChange }: SchedulesTableProps) {
  return (
    <Table
      label="Schedules"
      rows={schedules}
      keyOf={({ name }) => name}
      href={({ name }) => `/schedules/${name}`}
      columns={[
        {
          title: "Name",
          cell: (schedule) => (
            <span class="badges-line">
              <Link href={`/schedules/${schedule.name}`}>{schedule.name}</Link>{" "}
              <ScheduleBadge schedule={schedule} />
            </span>
          ),
        },
        {
          title: "Times",
          cell: ({ spec }) => (
            <div class="stack-tight">
              <code class="short">{spec.cron}</code>
              <span class="muted">{spec.timeZone ?? "UTC"}</span>
            </div>
          ),
        },
        {
          title: "Target",
          cell: ({ spec }) => <Link href={targetOf(spec).href}>{targetOf(spec).text}</Link>,
          isExtra: true,
        },
        { title: "Next", cell: (schedule) => <Next schedule={schedule} />, isExtra: true },
        { title: "Last", cell: (schedule) => <Last schedule={schedule} />, isExtra: true },
        {
          title: "Action",
          cell: (schedule) => (
            <span class="badges-line">
              <RunNow schedule={schedule} onDone={onChange} small />
              <PauseOrResume schedule={schedule} onDone={onChange} small />
            </span>
          ),
        },
      ]}
    />
  );
}

export function ScheduleBadge({ schedule }: { readonly schedule: Schedule }) {
  const { faults } = schedule;
  if (faults !== undefined)
    return (
      <Badge tone="bad" title={faults.join("\n")}>
        invalid
      </Badge>
    );
  return isPaused(schedule) ? <Badge tone="warn">paused</Badge> : null;
}

function Next({ schedule }: { readonly schedule: Schedule }) {
  const at = schedule.state?.nextAt ?? schedule.next?.[0];
  return isPaused(schedule) || at === undefined ? <span class="muted">–</span> : <When at={at} />;
}

function Last({ schedule: { state } }: { readonly schedule: Schedule }) {
  if (state?.lastOutcome === undefined) return <span class="muted">not yet</span>;
  const { tone, title } = OUTCOMES[state.lastOutcome];
  return (
    <span class="badges-line">
      <Badge tone={tone} title={title}>
        {state.lastOutcome}
      </Badge>
      <When at={state.lastAt} />
    </span>
  );
}
