import { Badge, Duration } from "../../ui/values.tsx";
import { type RunDocument, SKIPPED_WHY, type StepDocument, toneOf, tookMs } from "./run.ts";

export interface TimelineProps {
  readonly run: RunDocument;
  readonly selected: string | undefined;
  readonly onSelect: (step: string) => void;
}

/** The steps with their times, one below the other. */
export function Timeline({ run, selected, onSelect }: TimelineProps) {
  const began = Date.parse(run.acceptedAt);
  const whole = Math.max(1, (run.endedAt === undefined ? Date.now() : Date.parse(run.endedAt)) - began);
  const place = (at: string) => Math.min(1, Math.max(0, (Date.parse(at) - began) / whole)) * 100;
  return (
    <ol class="timeline">
      {Object.entries(run.steps).map(([name, step]) => (
        <li key={name}>
          <button type="button" aria-pressed={name === selected} onClick={() => onSelect(name)}>
            <span class="name">{name}</span>
            <span class="how">
              <Badge tone={toneOf(step.state)}>{step.state}</Badge>
            </span>
            <svg
              class={`bar ${step.state}`}
              viewBox="0 0 100 8"
              preserveAspectRatio="none"
              aria-hidden="true"
            >
              {step.startedAt === undefined ? null : (
                <rect
                  x={place(step.startedAt)}
                  width={Math.max(
                    0.6,
                    place(step.endedAt ?? new Date().toISOString()) - place(step.startedAt),
                  )}
                  height="8"
                  rx="1"
                />
              )}
            </svg>
            <span class="took">
              <Duration ms={tookMs(step.startedAt, step.endedAt)} />
            </span>
            <span class="muted note">{noteOf(step)}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}

function noteOf({ attempts, items, why, error, then }: StepDocument): string {
  if (items !== undefined) return `${items.done} of ${items.total} items`;
  if (why !== undefined) return SKIPPED_WHY[why];
  if (then !== undefined) return `${error?.type}, then ${then}`;
  if (error !== undefined) return error.message;
  return attempts.length > 1 ? `${attempts.length} attempts` : "";
}
