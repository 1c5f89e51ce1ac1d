import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter";
import { api } from "../api/client.ts";
import { useResource } from "../api/resource.ts";
import { allowed } from "../blocks/allowed.ts";
import { BodyText } from "../blocks/body-text.tsx";
import { type Declared, readDeclared } from "../blocks/declared.ts";
import { Facts, Figure } from "../blocks/facts.tsx";
import { RetryAll } from "../calls/all-that-match.tsx";
import type { CallRecord } from "../calls/call.ts";
import { CallsTable } from "../calls/calls-table.tsx";
import { isPaused, type Subscription, type SubscriptionSpec, targetOf } from "../topics/topic.ts";
import { Button } from "../ui/button.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import { More } from "../ui/more.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { Loaded, Page, Section } from "../ui/page.tsx";
import { usePaged } from "../ui/paged.ts";
import { showWritten } from "../ui/toast.tsx";
import { Count, When } from "../ui/values.tsx";
import { ReplayDialog } from "./replay-dialog.tsx";
import { SubscriptionForm } from "./subscription-form.tsx";
import { SubscriptionBadge } from "./subscriptions-table.tsx";

const EVERY_MS = 2_000;

type Open =
  | { readonly kind: "edit"; readonly declared: Declared<SubscriptionSpec> }
  | { readonly kind: "delete" | "replay" };

/** One subscription: its place, deliveries, and what is dead. */
export default function SubscriptionPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name!;
  const path = `/subscription/${name}`;
  const found = useResource<Subscription>(path, { everyMs: EVERY_MS });
  const [open, setOpen] = useState<Open>();
  const [, go] = useLocation();
  const close = () => setOpen(undefined);
  const edit = async () => setOpen({ kind: "edit", declared: await readDeclared<SubscriptionSpec>(path) });
  const remove = async () => {
    await api.send("DELETE", path);
    go("/topics");
  };
  const subscription = found.data;
  return (
    <Page
      title={name}
      name={`Subscription ${name}`}
      parent={{ href: "/topics", text: "Topics" }}
      badges={subscription === undefined ? undefined : <SubscriptionBadge subscription={subscription} />}
      actions={
        subscription === undefined ? undefined : (
          <>
            <PauseButton subscription={subscription} onDone={found.reload} />
            <Button icon="undo" onClick={() => setOpen({ kind: "replay" })} {...allowed("deploy")}>
              Replay…
            </Button>
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
      <Loaded from={found}>{(shown) => <Content subscription={shown} />}</Loaded>
      {open?.kind === "edit" ? (
        <SubscriptionForm name={name} declared={open.declared} onClose={close} onDone={found.reload} />
      ) : null}
      {open?.kind === "replay" ? (
        <ReplayDialog subscription={name} onClose={close} onDone={found.reload} />
      ) : null}
      {open?.kind === "delete" ? (
        <FormDialog title={`Delete ${name}?`} action="Delete" kind="danger" onSubmit={remove} onClose={close}>
          <p>
            Its place stays as long as the topic keeps events, and so do deliveries that wait. A new
            subscription of the same name goes on there.
          </p>
        </FormDialog>
      ) : null}
    </Page>
  );
}

interface PauseButtonProps {
  readonly subscription: Subscription;
  readonly onDone: () => Promise<void>;
}

function PauseButton({ subscription, onDone }: PauseButtonProps) {
  const { name } = subscription;
  const paused = isPaused(subscription);
  const change = async () => {
    await api.send("POST", `/subscription/${name}/${paused ? "resume" : "pause"}`);
    await showWritten(paused ? "Deliveries go on." : "No delivery starts. Events wait in the topic.", {
      stored: `${name} is ${paused ? "resumed" : "paused"}.`,
      read: () => api.get<Subscription>(`/subscription/${name}`),
      differs: (now) => (isPaused(now) === paused ? `it is ${paused ? "paused" : "active"}` : undefined),
    });
    await onDone();
  };
  return (
    <Button
      kind={paused ? "primary" : "plain"}
      icon={paused ? "play" : "pause"}
      onClick={change}
      {...allowed("deploy")}
    >
      {paused ? "Resume" : "Pause"}
    </Button>
  );
}

function Content({ subscription: { name, spec, state, noState, faults, createdAt } }: ContentProps) {
  const target = targetOf(spec);
  const { filter, retry } = spec;
  return (
    <>
      {noState === undefined ? null : <Notice kind="warn">{noState}</Notice>}
      {faults === undefined ? null : (
        <Notice kind="bad" title="Its spec is not valid">
          {faults.join(" ")}
        </Notice>
      )}
      {state === undefined ? null : (
        <div class="cards figures">
          <Figure title="Lag" value={<Count value={state.lag} />} note={`at position ${state.position}`} />
          <Figure title="Waiting" value={<Count value={state.waiting} />} note={`${state.running} running`} />
          <Figure
            title="Delivered"
            value={<Count value={state.done} />}
            note={`in ${state.attempts} attempts`}
          />
          <Figure title="Dead" value={<Count value={state.dead} />} note="no attempts left" />
        </div>
      )}
      <Facts
        facts={[
          ["Topic", <Link href={`/topics/${spec.topic}`}>{spec.topic}</Link>],
          ["Target", target.href === undefined ? target.text : <Link href={target.href}>{target.text}</Link>],
          ["Group", state?.group ?? spec.group ?? name],
          ["Order", spec.order === "key" ? `by ${spec.orderBy ?? "partitionkey"}` : undefined],
          [
            "Attempts",
            retry?.attempts === undefined ? "those of the function, else 12" : String(retry.attempts),
          ],
          ["Backoff", retry?.backoff],
          ["At a time", String(spec.concurrency ?? 32)],
          ["Replies", spec.replies === false ? "its answers do not count as replies" : undefined],
          ["Answers go to", spec.replyTo === undefined ? undefined : `topic ${spec.replyTo}`],
          ["Created", <When at={createdAt} />],
        ]}
      />
      {filter === undefined ? null : (
        <Section title="Filter">
          <BodyText label="Filter" text={JSON.stringify(filter)} type="application/json" />
        </Section>
      )}
      <Deliveries name={name} state="dead" title="Dead deliveries" none="None." />
      <Deliveries
        name={name}
        state="waiting,running"
        title="Deliveries under way"
        none="None. A delivery that succeeds leaves no record."
      />
    </>
  );
}

interface ContentProps {
  readonly subscription: Subscription;
}

interface DeliveriesProps {
  readonly name: string;
  readonly state: string;
  readonly title: string;
  readonly none: string;
}

function Deliveries({ name, state, title, none }: DeliveriesProps) {
  const query = { subscription: name };
  const calls = usePaged<CallRecord>("/call", "calls", { query: { ...query, state }, everyMs: EVERY_MS * 2 });
  return (
    <Section
      title={title}
      actions={
        state === "dead" && calls.rows.length > 0 ? (
          <RetryAll query={query} onDone={calls.reload} />
        ) : undefined
      }
    >
      <ProblemNotice problem={calls.problem} retry={calls.reload} />
      {calls.rows.length === 0 && !calls.isLoading ? <p class="muted">{none}</p> : null}
      {calls.rows.length === 0 ? null : (
        <CallsTable calls={calls.rows} onChange={calls.reload} hasOrigin={false} />
      )}
      <More list={calls} />
    </Section>
  );
}
