import { useEffect, useState } from "preact/hooks";
import { api } from "../../api/client.ts";
import { type ApiProblem, asProblem } from "../../api/problem.ts";
import { DiffView } from "../../blocks/diff-view.tsx";
import { type FileDiff, parseDiff } from "../../blocks/unified-diff.ts";
import { Select } from "../../ui/field.tsx";
import { ProblemNotice } from "../../ui/notice.tsx";
import { pathOf } from "../described.ts";
import type { Version } from "./version.ts";

export interface CompareProps {
  readonly name: string;
  readonly versions: readonly Version[];
  readonly pair: Pair;
  readonly onChange: (pair: Pair) => void;
}

export interface Pair {
  readonly from: number;
  readonly to: number;
}

/** How two versions differ, in settings and source. */
export function Compare({ name, versions, pair, onChange }: CompareProps) {
  const { files, problem } = useDiff(name, pair);
  const options = versions.map(({ version, message }) => {
    return { value: String(version), text: message ? `v${version} · ${message}` : `v${version}` };
  });
  return (
    <div class="stack">
      <div class="row">
        <Select
          label="From"
          value={String(pair.from)}
          options={options}
          onChange={(text) => onChange({ ...pair, from: Number(text) })}
        />
        <Select
          label="To"
          value={String(pair.to)}
          options={options}
          onChange={(text) => onChange({ ...pair, to: Number(text) })}
        />
      </div>
      <ProblemNotice problem={problem} />
      {files === undefined && problem === undefined ? <div class="loading">Comparing…</div> : null}
      {files?.length === 0 ? <p class="muted">These versions are equal in settings and source.</p> : null}
      {files === undefined ? null : <DiffView files={files} />}
    </div>
  );
}

interface Read {
  readonly files?: readonly FileDiff[];
  readonly problem?: ApiProblem;
}

function useDiff(name: string, { from, to }: Pair): Read {
  const [read, setRead] = useState<Read>({});
  useEffect(() => {
    const ending = new AbortController();
    setRead({});
    if (from === to) return void setRead({ files: [] });
    api.text(`${pathOf(name)}/versions/${to}/diff`, { from }, ending.signal).then(
      (text) => setRead({ files: text === "" ? [] : parseDiff(text) }),
      (error: unknown) => {
        if (!ending.signal.aborted) setRead({ problem: asProblem(error) });
      },
    );
    return () => ending.abort();
  }, [name, from, to]);
  return read;
}
