import type { ApiProblem, PlacedError } from "../api/problem.ts";
import type { Mark } from "../editor/editor.tsx";
import { Notice } from "../ui/notice.tsx";
import type { Files } from "./source.ts";

/** Where a deploy found a fault; the path is one of the files that are shown. */
export interface Fault extends PlacedError {
  readonly path: string;
}

/** Returns the faults of a problem that have a place in the source. */
export function faultsOf(problem: ApiProblem | undefined, files: Files): readonly Fault[] {
  const paths = Object.keys(files);
  return (problem?.errors ?? []).flatMap((error) => {
    // Skiff names a source of one file by what it found in it, such as main.tsx.
    const path = error.file !== undefined && error.file in files ? error.file : undefined;
    const only = paths.length === 1 ? paths[0] : undefined;
    return (path ?? only) === undefined ? [] : [{ ...error, path: (path ?? only)! }];
  });
}

export function marksOf(faults: readonly Fault[], shown: string): readonly Mark[] {
  return faults.flatMap(({ path, line, column, message }) =>
    path !== shown || line === undefined
      ? []
      : [{ line, text: message, ...(column === undefined ? {} : { column }) }],
  );
}

interface FaultListProps {
  readonly problem: ApiProblem;
  readonly faults: readonly Fault[];
  readonly onJump: (fault: Fault) => void;
}

/** Why a deploy was refused. Faults with a place lead there. */
export function FaultList({ problem, faults, onJump }: FaultListProps) {
  return (
    <div class="code-faults">
      <Notice kind="bad" title={problem.title}>
        {faults.length === 0 ? <p>{problem.message}</p> : null}
        <ul>
          {faults.map((fault) => (
            <li key={`${fault.path}:${fault.line}:${fault.column}:${fault.message}`}>
              <button type="button" class="link" onClick={() => onJump(fault)}>
                <code>
                  {fault.path}
                  {fault.line === undefined ? "" : `:${fault.line}`}
                  {fault.column === undefined ? "" : `:${fault.column}`}
                </code>{" "}
                {fault.message}
              </button>
            </li>
          ))}
        </ul>
      </Notice>
    </div>
  );
}
