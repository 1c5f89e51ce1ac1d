import { useState } from "preact/hooks";
import { CallerStartPage } from "../caller/start-page.tsx";
import { can } from "../session/session.ts";
import { LinkButton } from "../ui/button.tsx";
import { SearchField } from "../ui/field.tsx";
import { Notice, ProblemNotice } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";
import { type ActiveFunction, useFunctions } from "./activity.ts";
import { type Condition, conditionOf, inOrder } from "./condition.ts";
import { DropArea } from "./drop-area.tsx";
import { FunctionTable } from "./function-table.tsx";
import { NoFunction } from "./no-function.tsx";

const FILTERS: readonly (readonly [condition: Condition | "all", text: string])[] = [
  ["all", "All"],
  ["failing", "Failing"],
  ["blocked", "Cannot be called"],
  ["ready", "Ready"],
  ["idle", "Idle"],
  ["closed", "Internal"],
];

/** The start page: all functions. For a key that cannot list them, what it can do. */
export default function StartPage() {
  return can("read") ? <FunctionsPage /> : <CallerStartPage />;
}

/** All functions, those that fail first. */
function FunctionsPage() {
  const { functions, problem, reload } = useFunctions();
  return (
    <DropArea>
      <Page
        title="Functions"
        actions={
          can("deploy") ? (
            <LinkButton href="/new" kind="primary" icon="plus">
              New function
            </LinkButton>
          ) : null
        }
      >
        <ProblemNotice problem={problem} retry={reload} />
        {functions === undefined && problem === undefined ? <div class="loading">Loading…</div> : null}
        {functions?.length === 0 ? <NoFunction /> : null}
        {functions === undefined || functions.length === 0 ? null : <Found functions={functions} />}
      </Page>
    </DropArea>
  );
}

function Found({ functions }: { readonly functions: readonly ActiveFunction[] }) {
  const [search, setSearch] = useState("");
  const [filter, setFilter] = useState<Condition | "all">("all");
  const wanted = search.trim().toLowerCase();
  const named = functions.filter(({ name }) => name.includes(wanted));
  const counts = Map.groupBy(named, (each) => conditionOf(each).condition);
  const countOf = (each: Condition | "all") => (each === "all" ? named : (counts.get(each) ?? [])).length;
  const rows = inOrder(filter === "all" ? named : (counts.get(filter) ?? []));
  const noHistory = functions.find((each) => each.noHistory !== undefined)?.noHistory;
  return (
    <>
      <div class="name-filters">
        <SearchField label="Search functions" value={search} onChange={setSearch} />
        <fieldset class="state-filter">
          <legend class="hidden">State</legend>
          {FILTERS.map(([each, text]) =>
            each === "all" || each === filter || countOf(each) > 0 ? (
              <button
                key={each}
                type="button"
                class={each}
                aria-pressed={filter === each}
                onClick={() => setFilter(each)}
              >
                {text} <span class="number">{countOf(each)}</span>
              </button>
            ) : null,
          )}
        </fieldset>
      </div>
      {noHistory === undefined ? null : <Notice kind="warn">{noHistory}</Notice>}
      {rows.length === 0 ? (
        <p class="muted">No function matches. Clear the search or choose another state.</p>
      ) : (
        <FunctionTable rows={rows} />
      )}
    </>
  );
}
