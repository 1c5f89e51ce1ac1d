import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter";
import { api } from "../api/client.ts";
import { useResource } from "../api/resource.ts";
import { allowed } from "../blocks/allowed.ts";
import { type Declared, readDeclared } from "../blocks/declared.ts";
import { Figure } from "../blocks/facts.tsx";
import { ReplayDialog } from "../subscriptions/replay-dialog.tsx";
import { SubscriptionForm } from "../subscriptions/subscription-form.tsx";
import { Button } from "../ui/button.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import { Notice } from "../ui/notice.tsx";
import { Loaded, Page, Section } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { Badge, Bytes, Count, When } from "../ui/values.tsx";
import { Lag } from "./lag.tsx";
import { LiveTail } from "./live-tail.tsx";
import { PublishForm } from "./publish-form.tsx";
import {
  isPaused,
  keptBytesText,
  keptForText,
  type Subscription,
  type Topic,
  type TopicSpec,
  targetOf,
} from "./topic.ts";
import { TopicForm } from "./topic-form.tsx";

const EVERY_MS = 2_000;

type Open =
  | { readonly kind: "edit"; readonly declared: Declared<TopicSpec> }
  | { readonly kind: "delete" }
  | { readonly kind: "subscribe" }
  | { readonly kind: "replay"; readonly subscription: string };

/** One topic: publish, watch its events, and the lag of every group. */
export default function TopicPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name!;
  const path = `/topic/${name}`;
  const found = useResource<Topic>(path, { everyMs: EVERY_MS });
  const [open, setOpen] = useState<Open>();
  const [, go] = useLocation();
  const close = () => setOpen(undefined);
  const edit = async () => setOpen({ kind: "edit", declared: await readDeclared<TopicSpec>(path) });
  const remove = async () => {
    await api.send("DELETE", path);
    go("/topics");
  };
  const isDeclared = found.data?.createdAt !== undefined;
  return (
    <Page
      title={name}
      parent={{ href: "/topics", text: "Topics" }}
      badges={found.data === undefined ? undefined : <Badges topic={found.data} />}
      actions={
        <>
          <Button icon="plus" onClick={() => setOpen({ kind: "subscribe" })} {...allowed("deploy")}>
            Subscribe
          </Button>
          <Button icon="edit" onClick={edit} {...allowed("deploy")}>
            {isDeclared || found.data === undefined ? "Change" : "Declare"}
          </Button>
          {isDeclared ? (
            <Button
              icon="trash"
              kind="danger"
              onClick={() => setOpen({ kind: "delete" })}
              {...allowed("deploy")}
            >
              Delete
            </Button>
          ) : null}
        </>
      }
    >
      <Loaded from={found}>
        {(topic) => (
          <>
            {topic.noState === undefined ? null : <Notice kind="warn">{topic.noState}</Notice>}
            <Figures topic={topic} />
            <div class="two">
              <Section title="Publish">
                <PublishForm topic={name} onDone={found.reload} />
              </Section>
              <Section title="Groups">
                <Groups
                  topic={topic}
                  onReplay={(subscription) => setOpen({ kind: "replay", subscription })}
                />
              </Section>
            </div>
            <LiveTail topic={name} end={topic.state?.end} />
          </>
        )}
      </Loaded>
      {open?.kind === "edit" ? (
        <TopicForm name={name} declared={open.declared} onClose={close} onDone={found.reload} />
      ) : null}
      {open?.kind === "subscribe" ? (
        <SubscriptionForm topic={name} onClose={close} onDone={found.reload} />
      ) : null}
      {open?.kind === "replay" ? (
        <ReplayDialog subscription={open.subscription} onClose={close} onDone={found.reload} />
      ) : null}
      {open?.kind === "delete" ? (
        <FormDialog
          title={`Delete ${name}?`}
          action="Delete"
          kind="danger"
          typed={name}
          onSubmit={remove}
          onClose={close}
        >
          <p>
            Its events are deleted too, unless a subscription or a flow names the topic. It cannot be undone.
          </p>
        </FormDialog>
      ) : null}
    </Page>
  );
}

function Badges({ topic: { spec, faults, createdAt } }: { readonly topic: Topic }) {
  return (
    <>
      {spec.access === "public" ? <Badge tone="info">everybody may publish</Badge> : null}
      {createdAt === undefined ? (
        <Badge title="Only subscriptions or flows name it, so it has all defaults">not declared</Badge>
      ) : null}
      {faults === undefined ? null : (
        <Badge tone="bad" title={faults.join("\n")}>
          invalid
        </Badge>
      )}
      {(spec.paths ?? []).map((path) => (
        <Badge key={path} title="Requests to this path are published here">
          /gateway{path}
        </Badge>
      ))}
    </>
  );
}

function Figures({ topic: { state, spec } }: { readonly topic: Topic }) {
  if (state === undefined) return null;
  return (
    <div class="cards figures">
      <Figure title="Events kept" value={<Count value={state.events} />} note={`for ${keptForText(spec)}`} />
      <Figure title="Size" value={<Bytes value={state.bytes} />} note={`of ${keptBytesText(spec)}`} />
      <Figure title="Published" value={<Count value={state.published} />} note="since it exists" />
      <Figure
        title="Oldest event"
        value={state.oldestAt === undefined ? "–" : <When at={state.oldestAt} />}
        note={`newest position ${state.end}`}
      />
    </div>
  );
}

interface GroupsProps {
  readonly topic: Topic;
  readonly onReplay: (subscription: string) => void;
}

/** A group with its members; subscriptions are read besides, because a topic names its groups alone. */
function Groups({ topic: { name, state }, onReplay }: GroupsProps) {
  const found = useResource<{ readonly subscriptions: readonly Subscription[] }>("/subscription", {
    everyMs: EVERY_MS * 2,
  });
  const members = (found.data?.subscriptions ?? []).filter(({ spec }) => spec.topic === name);
  const groups = state?.groups ?? [];
  if (groups.length === 0)
    return <p class="muted">No subscription, so nothing gets the events. Subscribe a function to it.</p>;
  return (
    <Table
      label="Groups"
      rows={groups}
      keyOf={({ group }) => group}
      columns={[
        {
          title: "Group",
          cell: ({ group }) => {
            const own = members.filter(
              (each) => (each.state?.group ?? each.spec.group ?? each.name) === group,
            );
            return (
              <div class="stack-tight">
                {own.length === 0 ? <span>{group}</span> : null}
                {own.map((member) => (
                  <span key={member.name}>
                    <Link href={`/subscriptions/${member.name}`}>{member.name}</Link>{" "}
                    <span class="muted">→ {targetOf(member.spec).text}</span>{" "}
                    {isPaused(member) ? <Badge tone="warn">paused</Badge> : null}
                  </span>
                ))}
              </div>
            );
          },
        },
        { title: "Position", cell: ({ position }) => position, isNumber: true, isExtra: true },
        { title: "Lag", cell: ({ lag }) => <Lag value={lag} />, isNumber: true },
        {
          title: "Action",
          cell: ({ group }) => {
            const member = members.find(
              (each) => (each.state?.group ?? each.spec.group ?? each.name) === group,
            );
            return member === undefined ? null : (
              <Button small icon="undo" onClick={() => onReplay(member.name)} {...allowed("deploy")}>
                Replay…
              </Button>
            );
          },
        },
      ]}
    />
  );
}
