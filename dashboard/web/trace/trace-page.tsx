import { useEffect, useState } from "preact/hooks";
import { Link, useSearchParams } from "wouter";
import { useResource } from "../api/resource.ts";
import { LineRow } from "../logs/line-row.tsx";
import { LinkButton } from "../ui/button.tsx";
import { Copy } from "../ui/copy.tsx";
import { Empty, Notice, ProblemNotice } from "../ui/notice.tsx";
import { Page, Section } from "../ui/page.tsx";
import { Badge, Duration, toneOfStatus, When } from "../ui/values.tsx";
import { CauseNotice } from "./cause-notice.tsx";
import { barsOf, type Trace } from "./trace.ts";
import { Waterfall } from "./waterfall.tsx";

/** Lines and times of a call that has just ended come within seconds. */
const FRESH_MS = 10_000;
const EVERY_MS = 2_000;

/** What happened in one call: `/trace/ID`. */
export default function TracePage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const id = params.id!;
  const [address] = useSearchParams();
  const of = address.get("function");
  const [isFresh, setFresh] = useState(true);
  useEffect(() => {
    setFresh(true);
    const timer = setTimeout(() => setFresh(false), FRESH_MS);
    return () => clearTimeout(timer);
  }, [id]);
  const { data, problem, isLoading, reload } = useResource<Trace>(`/trace/${encodeURIComponent(id)}`, {
    ...(of === null ? {} : { query: { function: of } }),
    ...(isFresh ? { everyMs: EVERY_MS } : {}),
  });
  const isUnknown = problem?.code === "unknown_call";
  const name = data?.function;
  return (
    <Page
      title={<span class="mono">{id}</span>}
      name={`Call ${id.slice(0, 8)}`}
      parent={
        name === undefined
          ? { href: "/", text: "Functions" }
          : { href: `/functions/${name}/logs`, text: `Logs of ${name}` }
      }
      badges={
        data?.status === undefined ? null : <Badge tone={toneOfStatus(data.status)}>{data.status}</Badge>
      }
      actions={<Copy text={id}>Copy the call id</Copy>}
    >
      {isUnknown ? <Unknown /> : <ProblemNotice problem={problem} retry={reload} />}
      {isLoading ? <div class="loading">Loading…</div> : null}
      {data === undefined ? null : <Known trace={data} />}
    </Page>
  );
}

function Unknown() {
  return (
    <Empty title="Nothing is known of this call">
      <p>
        A call that printed something is found for 7 days, and one that failed or waited for a cold start for
        a day, unless Skiff is set up otherwise. A call that succeeded on a running instance and printed
        nothing leaves no trace.
      </p>
      <p>
        The id stands in the header <code>x-skiff-call-id</code> of an answer, in the log, and in the body of
        an error. An id that was cut is not found.
      </p>
    </Empty>
  );
}

function Known({ trace }: { readonly trace: Trace }) {
  const { function: name, lines, isCut = false } = trace;
  const bars = barsOf(trace);
  return (
    <>
      <CauseNotice trace={trace} />
      <Facts trace={trace} />
      {bars.length === 0 ? null : (
        <Section title="Where the time went">
          <Waterfall bars={bars} />
        </Section>
      )}
      <Section
        title={lines.length === 0 ? "Lines" : `Lines (${lines.length})`}
        actions={
          name === undefined ? null : (
            <LinkButton small href={`/functions/${name}/logs?call=${trace.callId}`}>
              Open in the logs
            </LinkButton>
          )
        }
      >
        {isCut ? (
          <Notice kind="warn">The search took too long: other functions may have lines too.</Notice>
        ) : null}
        {lines.length === 0 ? (
          <p class="muted">The call printed nothing.</p>
        ) : (
          <div class="log-lines short">
            {lines.map((line, index) => (
              <LineRow key={index} line={{ instance: "", ...line }} name={line.function ?? name} />
            ))}
          </div>
        )}
      </Section>
    </>
  );
}

function Facts({ trace }: { readonly trace: Trace }) {
  const { function: name, version, instance, startedAt, durationMs, call, run, callId } = trace;
  return (
    <dl class="facts trace-facts">
      {name === undefined ? null : (
        <div>
          <dt>Function</dt>
          <dd>
            <Link href={`/functions/${name}`}>{name}</Link>
            {version === undefined ? "" : ` v${version}`}
          </dd>
        </div>
      )}
      {startedAt === undefined ? null : (
        <div>
          <dt>Began</dt>
          <dd>
            <When at={startedAt} />
          </dd>
        </div>
      )}
      {durationMs === undefined ? null : (
        <div>
          <dt>Took</dt>
          <dd>
            <Duration ms={durationMs} />
          </dd>
        </div>
      )}
      {instance === undefined ? null : (
        <div>
          <dt>Instance</dt>
          <dd class="mono">{instance}</dd>
        </div>
      )}
      {call === undefined ? null : (
        <div>
          <dt>Asynchronous call</dt>
          <dd>
            <Link href={`/calls/${call.id}`} class="mono">
              {call.id.slice(0, 12)}…
            </Link>{" "}
            {call.state}
            {call.attempts.map(({ number, callId: of }) =>
              of === undefined || of === callId ? null : (
                <span key={number}>
                  {" · "}
                  <Link href={`/trace/${of}`}>attempt {number}</Link>
                </span>
              ),
            )}
          </dd>
        </div>
      )}
      {run === undefined ? null : (
        <div>
          <dt>Run of a flow</dt>
          <dd>
            <Link href={`/flows/${run.flow}/runs/${run.id}`}>{run.flow}</Link>, step <code>{run.step}</code>
            {run.item === undefined ? "" : `, item ${run.item}`}, attempt {run.attempt}
          </dd>
        </div>
      )}
    </dl>
  );
}
