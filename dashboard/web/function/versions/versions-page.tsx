import { useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { ProblemNotice } from "../../ui/notice.tsx";
import { Section } from "../../ui/page.tsx";
import { usePaged } from "../../ui/paged.ts";
import { type Described, pathOf } from "../described.ts";
import { FunctionPage } from "../function-page.tsx";
import { Compare, type Pair } from "./compare.tsx";
import { TrafficForm } from "./traffic-form.tsx";
import type { Version } from "./version.ts";
import { VersionList } from "./version-list.tsx";

/** Versions of a function: their part of the calls, how they differ, and the way back. */
export default function VersionsPage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const name = params.name!;
  return (
    <FunctionPage name={name} part="Versions" show={(described) => <Versions described={described} />} />
  );
}

function Versions({ described }: { readonly described: Described }) {
  const { name } = described;
  const found = usePaged<Version>(`${pathOf(name)}/versions`, "versions", { everyMs: 10_000 });
  const [pair, setPair] = useState<Pair>();
  const { rows, problem, reload, isLoading, hasMore, more } = found;
  // A diff with what callers get now is what people look for; of that version, with the one before.
  const compare = (version: number) => {
    const before = rows.find((each) => each.version < version)?.version ?? version;
    const pairWithCurrent = {
      from: Math.min(version, described.version),
      to: Math.max(version, described.version),
    };
    setPair(version === described.version ? { from: before, to: version } : pairWithCurrent);
  };
  return (
    <>
      <ProblemNotice problem={problem} retry={reload} />
      <Section title="Traffic">
        <TrafficForm described={described} versions={rows} onChange={reload} />
      </Section>
      {pair === undefined ? null : (
        <Section
          title="Differences"
          actions={
            <Button small icon="close" onClick={() => setPair(undefined)}>
              Close
            </Button>
          }
        >
          <Compare name={name} versions={rows} pair={pair} onChange={setPair} />
        </Section>
      )}
      <Section title="Kept versions">
        {isLoading ? <div class="loading">Loading…</div> : null}
        <VersionList described={described} versions={rows} onCompare={compare} onChange={reload} />
        {hasMore ? (
          <div class="more">
            <Button onClick={more}>Older versions</Button>
          </div>
        ) : null}
      </Section>
    </>
  );
}
