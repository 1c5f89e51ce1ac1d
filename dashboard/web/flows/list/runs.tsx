import { useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { Select } from "../../ui/field.tsx";
import { Empty, ProblemNotice } from "../../ui/notice.tsx";
import { usePaged } from "../../ui/paged.ts";
import type { RunSummary } from "../run/run.ts";
import { RunsTable } from "./runs-table.tsx";

export interface RunsProps {
  /** Of the API: `/run` or `/flow/NAME/run`. */
  readonly path: string;
  readonly ofAll?: boolean;
}

const EVERY_MS = 2_000;
const STATES = [
  "any",
  "running",
  "waiting",
  "retrying",
  "queued",
  "paused",
  "failed",
  "done",
  "cancelled",
] as const;
type Wanted = (typeof STATES)[number];

/** Runs, newest first, live. */
export function Runs({ path, ofAll = false }: RunsProps) {
  const [state, setState] = useState<Wanted>("any");
  const query = { state: state === "any" ? undefined : state };
  const found = usePaged<RunSummary>(path, "runs", { query, everyMs: EVERY_MS });
  return (
    <div class="stack">
      <div class="row narrow">
        <Select label="State" value={state} onChange={setState} options={STATES} />
      </div>
      <ProblemNotice problem={found.problem} retry={found.reload} />
      {found.isLoading ? <div class="loading">Loading…</div> : null}
      {!found.isLoading && found.problem === undefined && found.rows.length === 0 ? (
        <Empty title={state === "any" ? "No run yet" : `No run is ${state}`}>
          <p>A flow runs when somebody begins it here, or by the API, a topic, a schedule or HTTP.</p>
        </Empty>
      ) : null}
      {found.rows.length === 0 ? null : <RunsTable runs={found.rows} ofAll={ofAll} />}
      {found.hasMore ? <Button onClick={found.more}>Show more</Button> : null}
    </div>
  );
}
