import { Link } from "wouter";
import { Lag } from "../topics/lag.tsx";
import { isPaused, type Subscription, targetOf } from "../topics/topic.ts";
import { Table } from "../ui/table.tsx";
import { Badge, Count } from "../ui/values.tsx";

export function SubscriptionsTable({ subscriptions }: { readonly subscriptions: readonly Subscription[] }) {
  return (
    <Table
      label="Subscriptions"
      rows={subscriptions}
      keyOf={({ name }) => name}
      href={({ name }) => `/subscriptions/${name}`}
      columns={[
        { title: "Name", cell: ({ name }) => <Link href={`/subscriptions/${name}`}>{name}</Link> },
        { title: "State", cell: (each) => <SubscriptionBadge subscription={each} /> },
        {
          title: "Topic",
          cell: ({ spec }) => <Link href={`/topics/${spec.topic}`}>{spec.topic}</Link>,
          isExtra: true,
        },
        { title: "Target", cell: ({ spec }) => targetOf(spec).text, isExtra: true },
        { title: "Lag", cell: ({ state }) => <Lag value={state?.lag} />, isNumber: true },
        {
          title: "Waiting",
          cell: ({ state }) => <Count value={state?.waiting} />,
          isNumber: true,
          isExtra: true,
        },
        { title: "Dead", cell: ({ state }) => <Dead count={state?.dead} />, isNumber: true },
      ]}
    />
  );
}

function Dead({ count }: { readonly count: number | undefined }) {
  return count === undefined || count === 0 ? <Count value={count} /> : <Badge tone="bad">{count}</Badge>;
}

export function SubscriptionBadge({ subscription }: { readonly subscription: Subscription }) {
  const { faults } = subscription;
  if (faults !== undefined)
    return (
      <Badge tone="bad" title={faults.join("\n")}>
        invalid
      </Badge>
    );
  return isPaused(subscription) ? <Badge tone="warn">paused</Badge> : <Badge tone="ok">active</Badge>;
}
