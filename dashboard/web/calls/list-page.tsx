import type { Query } from "../api/client.ts";
import { useAddressQuery } from "../blocks/address-query.ts";
import { Choices } from "../blocks/choices.tsx";
import { useNames } from "../blocks/names.ts";
import { holder } from "../session/session.ts";
import { Button } from "../ui/button.tsx";
import { CopyLine } from "../ui/copy.tsx";
import { Checkbox, SearchField } from "../ui/field.tsx";
import { More } from "../ui/more.tsx";
import { Empty, ProblemNotice } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";
import { type Paged, usePaged } from "../ui/paged.ts";
import { RemoveAll, RetryAll } from "./all-that-match.tsx";
import { type CallRecord, type CallState, type ShownState, shownState } from "./call.ts";
import { CallsTable } from "./calls-table.tsx";

const EVERY_MS = 3_000;
const STATES: readonly { value: ShownState | ""; text: string; title?: string }[] = [
  { value: "", text: "All" },
  { value: "waiting", text: "Waiting", title: "For their time, their turn or a worker" },
  { value: "running", text: "Running" },
  { value: "retrying", text: "Retrying", title: "An attempt failed, the next one is due" },
  { value: "done", text: "Done" },
  { value: "dead", text: "Dead", title: "No attempts left" },
  { value: "cancelled", text: "Cancelled" },
];
const LIVE_OR_DONE = "waiting,running,done,cancelled";

/** Asynchronous calls of all functions, newest first. */
export default function CallsPage() {
  const [get, set] = useAddressQuery();
  const state = get("state") as ShownState | "";
  const isDeadFirst = get("first") === "dead" && state === "";
  const query = narrowing(get);
  const shown = useCalls(query, state, isDeadFirst);
  const functions = useNames("func");
  const isNarrowed = state !== "" || Object.values(query).some((value) => value !== undefined);
  const origin = ["subscription", "schedule", "topic"].find((name) => get(name) !== "");
  return (
    <Page
      title="Calls"
      actions={
        <>
          <RetryAll query={query} onDone={shown.reload} />
          <RemoveAll query={query} state={state === "retrying" ? "waiting" : state} onDone={shown.reload} />
        </>
      }
    >
      <div class="filter-row">
        <Choices label="State" value={state} onChange={(value) => set({ state: value })} options={STATES} />
        <SearchField
          label="Function"
          placeholder="Function"
          mono
          value={get("function")}
          onChange={(value) => set({ function: value })}
          suggestions={functions}
        />
        {state === "" ? (
          <Checkbox
            label="Dead ones first"
            checked={isDeadFirst}
            onChange={(checked) => set({ first: checked ? "dead" : "" })}
          />
        ) : null}
        {origin === undefined ? null : (
          <Button small icon="close" onClick={() => set({ [origin]: "" })}>
            {`${origin} ${get(origin)}`}
          </Button>
        )}
      </div>
      <ProblemNotice problem={shown.problem} retry={shown.reload} />
      {shown.isLoading ? <div class="loading">Loading…</div> : null}
      {shown.rows.length > 0 ? <CallsTable calls={shown.rows} onChange={shown.reload} /> : null}
      {!shown.isLoading && shown.problem === undefined && shown.rows.length === 0 ? (
        <NoCalls isNarrowed={isNarrowed || shown.hasMore} clear={() => set(CLEARED)} example={functions[0]} />
      ) : null}
      <More list={shown} />
    </Page>
  );
}

const NARROWING = ["function", "topic", "subscription", "schedule", "since", "until"];
const CLEARED = Object.fromEntries([...NARROWING, "state"].map((name) => [name, ""]));

function narrowing(get: (name: string) => string): Query {
  return Object.fromEntries(NARROWING.map((name) => [name, get(name) || undefined]));
}

/** Dead ones first are two lists: the others follow when all dead ones are shown. */
function useCalls(query: Query, state: ShownState | "", isDeadFirst: boolean): Paged<CallRecord> {
  const asked: CallState | undefined = state === "retrying" ? "waiting" : state || undefined;
  const first = usePaged<CallRecord>("/call", "calls", {
    query: { ...query, state: isDeadFirst ? "dead" : asked },
    everyMs: EVERY_MS,
  });
  // A page of one call is read where nothing shows it: hooks cannot be left out.
  const others = usePaged<CallRecord>("/call", "calls", {
    query: { ...query, state: LIVE_OR_DONE, limit: isDeadFirst ? undefined : 1 },
    ...(isDeadFirst ? { everyMs: EVERY_MS } : {}),
  });
  if (!isDeadFirst) return { ...first, rows: first.rows.filter((call) => isShown(call, state)) };
  if (first.hasMore) return first;
  return {
    ...others,
    rows: [...first.rows, ...others.rows],
    problem: first.problem ?? others.problem,
    isLoading: first.isLoading || others.isLoading,
    reload: async () => void (await Promise.all([first.reload(), others.reload()])),
  };
}

function isShown(call: CallRecord, state: ShownState | ""): boolean {
  return (state !== "retrying" && state !== "waiting") || shownState(call) === state;
}

interface NoCallsProps {
  readonly isNarrowed: boolean;
  readonly clear: () => void;
  readonly example: string | undefined;
}

function NoCalls({ isNarrowed, clear, example = "NAME" }: NoCallsProps) {
  if (isNarrowed)
    return (
      <Empty title="No call matches">
        <Button onClick={clear}>Show all calls</Button>
      </Empty>
    );
  const url = holder.value!.url;
  return (
    <Empty title="No asynchronous call yet">
      <p>Skiff stores a request to /async/fn/NAME, answers at once, and tries again if the function fails.</p>
      <CopyLine label="Command" text={`curl -X POST ${url}/async/fn/${example} -d 'hello'`} />
    </Empty>
  );
}
