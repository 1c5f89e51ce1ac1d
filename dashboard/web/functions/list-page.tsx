import { Link } from "wouter";
import { useResource } from "../api/resource.ts";
import { LinkButton } from "../ui/button.tsx";
import { Empty } from "../ui/notice.tsx";
import { Loaded, Page } from "../ui/page.tsx";
import { Table } from "../ui/table.tsx";
import { When } from "../ui/values.tsx";

interface FunctionRow {
  readonly name: string;
  readonly version: number;
  readonly ready: number;
  readonly updatedAt: string;
}

/** The start page: all functions. */
export default function FunctionsPage() {
  const found = useResource<{ readonly functions: readonly FunctionRow[] }>("/func", { everyMs: 5_000 });
  return (
    <Page
      title="Functions"
      actions={
        <LinkButton href="/new" kind="primary" icon="plus">
          New function
        </LinkButton>
      }
    >
      <Loaded from={found}>
        {({ functions }) =>
          functions.length === 0 ? (
            <Empty title="No function yet">
              <p>Make one from a template, or drop a file here.</p>
            </Empty>
          ) : (
            <Table
              label="Functions"
              rows={functions}
              keyOf={({ name }) => name}
              href={({ name }) => `/functions/${name}`}
              columns={[
                { title: "Name", cell: ({ name }) => <Link href={`/functions/${name}`}>{name}</Link> },
                { title: "Version", cell: ({ version }) => version, isNumber: true },
                { title: "Ready", cell: ({ ready }) => ready, isNumber: true },
                { title: "Changed", cell: ({ updatedAt }) => <When at={updatedAt} />, isExtra: true },
              ]}
            />
          )
        }
      </Loaded>
    </Page>
  );
}
