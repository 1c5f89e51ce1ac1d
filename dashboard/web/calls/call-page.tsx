import { Link, useLocation } from "wouter";
import { useResource } from "../api/resource.ts";
import { allowedToMaker } from "../blocks/allowed.ts";
import { AskedButton } from "../blocks/asked-button.tsx";
import { type Fact, Facts } from "../blocks/facts.tsx";
import { HeaderFields } from "../blocks/header-fields.tsx";
import { KeptLines } from "../blocks/kept-lines.tsx";
import { CauseNotice } from "../trace/cause-notice.tsx";
import { causeOf, type Trace } from "../trace/trace.ts";
import { Button } from "../ui/button.tsx";
import { Copy } from "../ui/copy.tsx";
import { Notice } from "../ui/notice.tsx";
import { Loaded, Page, Section } from "../ui/page.tsx";
import { Bytes, Duration, durationText, When } from "../ui/values.tsx";
import { CallAnswer } from "./answer.tsx";
import { Attempts } from "./attempts.tsx";
import { type CallRecord, hasEnded, targetText, tookMs } from "./call.ts";
import { CallBadge } from "./call-badge.tsx";
import { CancelCall, Origin, removeCall, retryCall } from "./calls-table.tsx";

const EVERY_MS = 1_000;

/** One asynchronous call: its record, attempts, request, answer and logs. */
export default function CallPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const id = params.id!;
  const found = useResource<CallRecord>(`/call/${id}`, { everyMs: EVERY_MS });
  const call = found.data;
  return (
    <Page
      title={call === undefined ? "Call" : targetText(call)}
      name={call === undefined ? "Call" : `Call of ${targetText(call)}`}
      parent={{ href: "/calls", text: "Calls" }}
      badges={call === undefined ? undefined : <CallBadge call={call} />}
      actions={call === undefined ? undefined : <Actions call={call} reload={found.reload} />}
    >
      <Loaded from={found}>{(shown) => <Record call={shown} />}</Loaded>
    </Page>
  );
}

function Actions({ call, reload }: { readonly call: CallRecord; readonly reload: () => Promise<void> }) {
  const [, go] = useLocation();
  const retry = async () => {
    await retryCall(call.id);
    await reload();
  };
  const remove = async () => {
    await removeCall(call.id);
    if (hasEnded(call)) go("/calls");
    else await reload();
  };
  return (
    <>
      {call.state === "dead" ? (
        <Button kind="primary" icon="retry" onClick={retry} {...allowedToMaker(call.by)}>
          Retry
        </Button>
      ) : null}
      {call.state === "waiting" ? <CancelCall by={call.by} onSubmit={remove} /> : null}
      {hasEnded(call) ? (
        <AskedButton
          kind="danger"
          icon="trash"
          question="Remove the record of this call?"
          action="Remove"
          outcome={`Its request, its answer and its attempts are gone for good${call.state === "dead" ? ", and it cannot be retried any more" : ""}.`}
          onSubmit={remove}
          {...allowedToMaker(call.by)}
        >
          Remove record
        </AskedButton>
      ) : null}
    </>
  );
}

function Record({ call }: { readonly call: CallRecord }) {
  return (
    <>
      {call.state === "dead" ? <WhyDead call={call} /> : null}
      <Facts facts={factsOf(call)} />
      <Section title="Attempts">
        <Attempts call={call} />
      </Section>
      <div class="two">
        <Section title="Request">
          <div class="card stack">
            <p class="mono">
              {call.method} {call.path} <span class="muted">· {call.bytes} bytes</span>
            </p>
            <HeaderFields fields={call.headers} />
          </div>
        </Section>
        <Section title="Answer">
          <CallAnswer call={call} />
        </Section>
      </div>
      <Section title="Logs">
        <KeptLines
          path={`/call/${call.id}/logs`}
          version={`${call.attempts.length} ${call.state}`}
          none={
            call.attempts.length === 0
              ? "No attempt has ended yet."
              : "The attempts printed nothing that is still kept."
          }
        />
      </Section>
    </>
  );
}

/** What the last attempt printed as its error, or else what Skiff recorded. */
function WhyDead({ call }: { readonly call: CallRecord }) {
  const callId = call.attempts.at(-1)?.callId;
  const { data } = useResource<Trace>(callId === undefined ? undefined : `/trace/${callId}`);
  if (data !== undefined && causeOf(data) !== undefined) return <CauseNotice trace={data} />;
  return (
    <Notice kind="bad" title="No attempts left">
      {call.reason}
    </Notice>
  );
}

function factsOf(call: CallRecord): readonly Fact[] {
  const { id, function: name, version, flow, retry, endedAt } = call;
  return [
    [
      "Id",
      <span class="with-copy mono">
        {id} <Copy text={id} />
      </span>,
    ],
    [
      "Function",
      name === undefined ? undefined : (
        <Link href={`/functions/${name}`}>
          {version === undefined ? name : `${name}, version ${version}`}
        </Link>
      ),
    ],
    ["Flow", flow === undefined ? undefined : <Link href={`/flows/${flow}`}>{flow}</Link>],
    ["From", <Origin call={call} />],
    ["By", call.by],
    ["Accepted", <When at={call.acceptedAt} />],
    [
      call.attempts.length === 0 ? "Due" : "Next attempt",
      call.state === "waiting" ? <When at={call.dueAt} /> : undefined,
    ],
    ["Started", call.runningSince === undefined ? undefined : <When at={call.runningSince} />],
    ["Ended", endedAt === undefined ? undefined : <When at={endedAt} />],
    ["Took", endedAt === undefined ? undefined : <Duration ms={tookMs(call)} />],
    [
      "Attempts",
      retry.attempts === 1
        ? "one, without a retry"
        : `up to ${retry.attempts} within ${durationText(retry.maxAgeMs)}`,
    ],
    ["Priority", call.priority === 0 ? undefined : String(call.priority)],
    ["Order key", call.orderKey],
    ["Callback", call.callback],
    ["Request body", <Bytes value={call.bytes} />],
  ];
}
