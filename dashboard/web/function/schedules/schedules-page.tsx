import { Link, useLocation } from "wouter";
import { ApiProblem } from "../../api/problem.ts";
import { useResource } from "../../api/resource.ts";
import { tryCall } from "../../api/try-call.ts";
import { allowed, allowedForAll } from "../../blocks/allowed.ts";
import { AskedButton } from "../../blocks/asked-button.tsx";
import { RunNow } from "../../schedules/actions.tsx";
import type { Schedule } from "../../schedules/schedule.ts";
import { Notice, ProblemNotice } from "../../ui/notice.tsx";
import { Section } from "../../ui/page.tsx";
import { Table } from "../../ui/table.tsx";
import { showDone } from "../../ui/toast.tsx";
import { Badge, When } from "../../ui/values.tsx";
import type { CronTimes, Described } from "../described.ts";
import { FunctionPage } from "../function-page.tsx";
import { CRON } from "../settings/fields.ts";
import { SettingsForm } from "../settings/settings-form.tsx";

/** When a function is called by itself: its own times, and schedules that call it. */
export default function SchedulesPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  return (
    <FunctionPage
      name={params.name!}
      part="Schedules"
      show={(described) => (
        <SettingsForm described={described} groups={CRON}>
          <OwnTimes described={described} />
          <Schedules name={described.name} />
        </SettingsForm>
      )}
    />
  );
}

/** Times of the setting `cron`. */
function OwnTimes({ described }: { readonly described: Described }) {
  const { name, schedules = [], settings, noHistory } = described;
  const [, go] = useLocation();
  if (noHistory !== undefined && settings.cron.length > 0) return <Notice kind="warn">{noHistory}</Notice>;
  if (schedules.length === 0) return null;
  const run = async () => {
    const { status, headers, body } = await tryCall({
      ...{ method: "POST", path: `/async/fn/${name}`, headers: [], withKey: true },
    });
    if (status !== 202) throw await refusal(status, body);
    showDone(`${name} is called.`);
    const call = headers
      .find(([field]) => field.toLowerCase() === "location")?.[1]
      .split("/")
      .at(-1);
    if (call !== undefined) go(`/calls/${call}`);
  };
  return (
    <Section
      title="Next times"
      actions={
        <AskedButton
          small
          icon="play"
          question={`Call ${name} now?`}
          action="Run now"
          outcome="It is called once now, in addition to its times. What it does cannot be undone."
          onSubmit={run}
          {...allowed("call")}
        >
          Run now
        </AskedButton>
      }
    >
      <Table
        label="Times of the setting cron"
        rows={schedules}
        keyOf={({ schedule }) => schedule}
        columns={[
          { title: "Expression", cell: ({ cron }) => <code>{cron}</code> },
          { title: "Next", cell: ({ next }) => <Times times={next.slice(0, 3)} /> },
          { title: "Last", cell: (times) => <Last times={times} /> },
          {
            title: "Calls",
            cell: ({ schedule }) => <Link href={`/calls?schedule=${schedule}`}>Calls</Link>,
            isExtra: true,
          },
        ]}
      />
    </Section>
  );
}

async function refusal(status: number, body: ReadableStream<Uint8Array>): Promise<ApiProblem> {
  const text = await new Response(body as BodyInit).text();
  try {
    return new ApiProblem(status, JSON.parse(text) as Record<string, unknown>);
  } catch {
    return new ApiProblem(status, { detail: text.slice(0, 500) });
  }
}

function Times({ times }: { readonly times: readonly string[] }) {
  return times.map((at, index) => (
    <span key={at}>
      {index === 0 ? null : <span class="muted">, </span>}
      <When at={at} />
    </span>
  ));
}

function Last({ times: { lastAt, lastOutcome } }: { readonly times: CronTimes }) {
  if (lastAt === undefined) return <span class="muted">not yet</span>;
  return (
    <>
      <Badge tone={lastOutcome === "fired" ? "ok" : "warn"}>{lastOutcome}</Badge> <When at={lastAt} />
    </>
  );
}

/** Declared schedules that call the function. */
function Schedules({ name }: { readonly name: string }) {
  const obstacle = allowedForAll("read").title;
  const { data, problem, reload } = useResource<{ readonly schedules: readonly Schedule[] }>(
    obstacle === undefined ? "/schedule" : undefined,
  );
  const rows = data?.schedules.filter(({ spec }) => spec.call?.function === name) ?? [];
  return (
    <Section title="Schedules that call it">
      {obstacle === undefined ? null : <p class="muted">They cannot be listed. {obstacle}</p>}
      <ProblemNotice problem={problem} retry={reload} />
      {data !== undefined && rows.length === 0 ? (
        <p class="muted">
          None. <Link href="/schedules">Make one</Link> to choose method, body, and what happens with missed
          times.
        </p>
      ) : null}
      {rows.length === 0 ? null : (
        <Table
          label="Schedules"
          rows={rows}
          keyOf={(row) => row.name}
          columns={[
            { title: "Name", cell: (row) => <Link href={`/schedules/${row.name}`}>{row.name}</Link> },
            {
              title: "Expression",
              cell: ({ spec }) => (
                <>
                  <code>{spec.cron}</code> <span class="muted">{spec.timeZone}</span>
                </>
              ),
            },
            {
              title: "Next",
              cell: ({ state, next }) =>
                state?.paused ? <Badge tone="warn">paused</Badge> : <When at={state?.nextAt ?? next?.[0]} />,
            },
            {
              title: "",
              cell: (row) => <RunNow schedule={row} onDone={reload} small />,
            },
          ]}
        />
      )}
    </Section>
  );
}
