import { useState } from "preact/hooks";
import { Link } from "wouter";
import { allowed } from "../blocks/allowed.ts";
import { holder } from "../session/session.ts";
import { SubscriptionForm } from "../subscriptions/subscription-form.tsx";
import { SubscriptionsTable } from "../subscriptions/subscriptions-table.tsx";
import { Button } from "../ui/button.tsx";
import { CopyLine } from "../ui/copy.tsx";
import { More } from "../ui/more.tsx";
import { Empty, ProblemNotice } from "../ui/notice.tsx";
import { Page, Section } from "../ui/page.tsx";
import { usePaged } from "../ui/paged.ts";
import { Table } from "../ui/table.tsx";
import { Badge, Bytes, Count } from "../ui/values.tsx";
import { Lag } from "./lag.tsx";
import type { Subscription, Topic } from "./topic.ts";
import { TopicForm } from "./topic-form.tsx";

const EVERY_MS = 3_000;

/** All topics and subscriptions. */
export default function TopicsPage() {
  const topics = usePaged<Topic>("/topic", "topics", { everyMs: EVERY_MS });
  const subscriptions = usePaged<Subscription>("/subscription", "subscriptions", { everyMs: EVERY_MS });
  const [making, setMaking] = useState<"topic" | "subscription">();
  const close = () => setMaking(undefined);
  const newTopic = (kind: "primary" | "plain") => (
    <Button kind={kind} icon="plus" onClick={() => setMaking("topic")} {...allowed("deploy")}>
      New topic
    </Button>
  );
  return (
    <Page
      title="Topics"
      actions={
        <>
          <Button icon="plus" onClick={() => setMaking("subscription")} {...allowed("deploy")}>
            New subscription
          </Button>
          {newTopic("primary")}
        </>
      }
    >
      <ProblemNotice problem={topics.problem} retry={topics.reload} />
      {topics.isLoading ? <div class="loading">Loading…</div> : null}
      {topics.isLoading || topics.problem !== undefined || topics.rows.length > 0 ? null : (
        <Empty title="No topic yet">
          <p>
            A topic is a log of events. Publishers get their answer at once, and every group of subscribers
            gets each event afterwards.
          </p>
          {newTopic("plain")}
          <CopyLine label="Command" text={`curl -X PUT ${holder.value!.url}/topic/orders -d '{}'`} />
        </Empty>
      )}
      {topics.rows.length === 0 ? null : <TopicsTable topics={topics.rows} />}
      <More list={topics} />
      {topics.rows.length === 0 && subscriptions.rows.length === 0 ? null : (
        <div class="after-table">
          <Section title="Subscriptions">
            <ProblemNotice problem={subscriptions.problem} retry={subscriptions.reload} />
            {subscriptions.rows.length === 0 ? (
              <p class="muted">
                No subscription yet: nothing gets the events. Make one to bring them to a function.
              </p>
            ) : (
              <SubscriptionsTable subscriptions={subscriptions.rows} />
            )}
            <More list={subscriptions} />
          </Section>
        </div>
      )}
      {making === "topic" ? <TopicForm onClose={close} onDone={topics.reload} /> : null}
      {making === "subscription" ? <SubscriptionForm onClose={close} onDone={subscriptions.reload} /> : null}
    </Page>
  );
}

function TopicsTable({ topics }: { readonly topics: readonly Topic[] }) {
  return (
    <Table
      label="Topics"
      rows={topics}
      keyOf={({ name }) => name}
      href={({ name }) => `/topics/${name}`}
      columns={[
        {
          title: "Name",
          cell: ({ name, faults }) => (
            <>
              <Link href={`/topics/${name}`}>{name}</Link>{" "}
              {faults === undefined ? null : (
                <Badge tone="bad" title={faults.join("\n")}>
                  invalid
                </Badge>
              )}
            </>
          ),
        },
        { title: "Events kept", cell: ({ state }) => <Count value={state?.events} />, isNumber: true },
        { title: "Size", cell: ({ state }) => <Bytes value={state?.bytes} />, isNumber: true, isExtra: true },
        {
          title: "Subscriptions",
          cell: ({ state }) => <Count value={state?.subscriptions.length} />,
          isNumber: true,
          isExtra: true,
        },
        { title: "Lag", cell: ({ state }) => <Lag value={worstLag(state)} />, isNumber: true },
        { title: "Who may publish", cell: ({ spec }) => <Access access={spec.access} />, isExtra: true },
      ]}
    />
  );
}

function worstLag(state: Topic["state"]): number | undefined {
  return state === undefined ? undefined : Math.max(0, ...state.groups.map(({ lag }) => lag));
}

export function Access({ access = "key" }: { readonly access?: string | undefined }) {
  return access === "public" ? (
    <Badge tone="info">everybody</Badge>
  ) : (
    <span class="muted">holders of a key</span>
  );
}
