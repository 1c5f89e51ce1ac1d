import type { ComponentChildren } from "preact";
import { useResource } from "../api/resource.ts";
import { LinkButton } from "../ui/button.tsx";
import { Icon } from "../ui/icon.tsx";
import { Empty } from "../ui/notice.tsx";
import { Loaded, Page } from "../ui/page.tsx";
import { Badge } from "../ui/values.tsx";
import { type Described, DescribedContext, isFailing, pathOf } from "./described.ts";

const PARTS = [
  ["", "Overview"],
  ["/code", "Code"],
  ["/try", "Try it"],
  ["/versions", "Versions"],
  ["/git", "Git"],
  ["/logs", "Logs"],
  ["/metrics", "Metrics"],
  ["/settings", "Settings"],
  ["/secrets", "Secrets"],
  ["/access", "Access"],
  ["/schedules", "Schedules"],
] as const;

export type FunctionPart = (typeof PARTS)[number][1];

export interface FunctionPageProps {
  /** Name of the function: `params.name`. */
  readonly name: string;
  readonly part: FunctionPart;
  /** Buttons beside the title. */
  readonly actions?: ComponentChildren;
  /** Uses the whole width and height: editors. */
  readonly wide?: boolean;
  /** What is mounted at once and stays while the function is read again, such as an editor. */
  readonly children?: ComponentChildren;
  /** Instead of children: what to show of the function, called with each answer, every five seconds. */
  readonly show?: (described: Described) => ComponentChildren;
}

/**
 * The frame of every tab of a function: way back, name, state, version and tabs.
 *
 * Each tab is a page with a route `/functions/:name/PART`:
 *
 *     export default function LogsPage({ params }: PageProps) {
 *       return <FunctionPage name={params.name!} part="Logs"><Logs name={params.name!} /></FunctionPage>;
 *     }
 *
 * What it surrounds reads the description with `useDescribed()`, and calls its `reload` after a write.
 */
export function FunctionPage({ name, part, actions, wide = false, children, show }: FunctionPageProps) {
  const found = useResource<Described>(pathOf(name), { everyMs: 5_000 });
  const base = `/functions/${encodeURIComponent(name)}`;
  const { data, problem } = found;
  if (data === undefined && problem?.code === "unknown_function") return <Missing name={name} />;
  return (
    <DescribedContext.Provider value={found}>
      <Page
        title={name}
        name={`${name} · ${part}`}
        parent={{ href: "/", text: "Functions" }}
        tabs={PARTS.map(([path, text]) => ({ href: base + path, text }))}
        badges={data === undefined ? null : <StateBadges described={data} />}
        actions={
          <>
            {data === undefined ? null : <OpenLink url={data.url} />}
            {actions}
          </>
        }
        wide={wide}
      >
        {show === undefined ? children : <Loaded from={found}>{show}</Loaded>}
      </Page>
    </DescribedContext.Provider>
  );
}

function Missing({ name }: { readonly name: string }) {
  return (
    <Page title={name} parent={{ href: "/", text: "Functions" }}>
      <Empty title="No function has this name">
        <p>It was deleted, or the address has another name than you meant.</p>
        <LinkButton href={`/new?name=${encodeURIComponent(name)}`} kind="primary" icon="plus">
          New function
        </LinkButton>
      </Empty>
    </Page>
  );
}

function StateBadges({ described }: { readonly described: Described }) {
  const { state, version, settings, lastHour } = described;
  // Chosen by its owner, so nothing is wrong.
  const isInternal = settings.access === "internal";
  const text = state.canCall ? "Can be called" : isInternal ? "Internal" : "Cannot be called";
  return (
    <>
      <Badge tone={state.canCall ? "ok" : isInternal ? "quiet" : "bad"} title={state.reason}>
        {text}
      </Badge>
      {isFailing(lastHour) ? (
        <Badge
          tone="bad"
          title={`${lastHour!.liveErrors} of ${lastHour!.liveCalls} calls failed in the last hour`}
        >
          Failing
        </Badge>
      ) : null}
      <Badge title="The version with most of the calls">v{version}</Badge>
      <Badge>{settings.runtime}</Badge>
    </>
  );
}

/** Functions have an origin of their own, so their pages open in a tab of their own. */
function OpenLink({ url }: { readonly url: string }) {
  return (
    <a class="button plain" href={url} target="_blank" rel="noopener noreferrer">
      <Icon name="external" /> Open
    </a>
  );
}
