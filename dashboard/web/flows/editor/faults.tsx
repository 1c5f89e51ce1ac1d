import type { ApiProblem } from "../../api/problem.ts";
import { Icon } from "../../ui/icon.tsx";
import type { FlowSession } from "./session.ts";

interface FaultsProps {
  readonly session: FlowSession;
  readonly onOpen: (line: number, column: number) => void;
}

interface Listed {
  readonly line?: number;
  readonly column?: number;
  readonly text: string;
  readonly isWarning?: boolean;
}

/** What is wrong with the text: what the page finds at once, then what Skiff says. */
export function Faults({ session, onOpen }: FaultsProps) {
  const { faults } = session.checked.value;
  const { warnings = [], problem } = session.dryRun.value ?? {};
  const own: Listed[] = faults.map(({ line, column, message }) => ({ line, column, text: message }));
  const all: readonly Listed[] = [
    ...own,
    ...(own.length > 0 ? [] : theirs(problem)),
    ...warnings.map((text) => ({ text, isWarning: true })),
  ];
  if (all.length === 0) return null;
  return (
    <ul class="flow-faults" aria-label="Faults">
      {all.map(({ line, column = 1, text, isWarning = false }) => (
        <li key={`${line} ${text}`} class={isWarning ? "warning" : "fault"}>
          <Icon name={isWarning ? "info" : "warning"} size={14} />
          {line === undefined ? (
            <span>{text}</span>
          ) : (
            <button type="button" onClick={() => onOpen(line, column)}>
              <span class="muted">Line {line}</span> {text}
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

function theirs(problem: ApiProblem | undefined): readonly Listed[] {
  if (problem === undefined) return [];
  const placed = problem.errors.map((error) => {
    const { line, column, message } = error;
    return {
      ...(line !== undefined && { line }),
      ...(column !== undefined && { column }),
      text: message,
    };
  });
  return placed.length > 0 ? placed : [{ text: problem.message }];
}
