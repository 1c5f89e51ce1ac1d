import { Button } from "../ui/button.tsx";
import { Badge, durationText, toneOfStatus, When } from "../ui/values.tsx";
import { pathAndQuery } from "./draft.ts";
import type { Sent } from "./history.ts";

export interface HistoryListProps {
  readonly history: readonly Sent[];
  readonly onRepeat: (sent: Sent) => void;
  /** Puts it into the form without sending it. */
  readonly onEdit: (sent: Sent) => void;
  readonly onClear: () => void;
}

/** The last requests to this function from this browser. */
export function HistoryList({ history, onRepeat, onEdit, onClear }: HistoryListProps) {
  if (history.length === 0) return null;
  return (
    <details class="try-history" open>
      <summary>
        History <span class="muted">{history.length}, in this browser, without credentials</span>
      </summary>
      <ol>
        {history.map((sent, index) => {
          const { at, draft, status, ms } = sent;
          const text = `${draft.method} ${pathAndQuery(draft) || "/"}`;
          return (
            <li key={`${at} ${index}`}>
              <button type="button" class="entry" title="Put it into the form" onClick={() => onEdit(sent)}>
                <code>{text}</code>
                {draft.isAsync ? <Badge>async</Badge> : null}
                {status === undefined ? (
                  <Badge tone="bad">no answer</Badge>
                ) : (
                  <Badge tone={toneOfStatus(status)}>{status}</Badge>
                )}
                <span class="muted">{ms === undefined ? "" : durationText(ms)}</span>
                <span class="muted">
                  <When at={at} />
                </span>
              </button>
              <Button
                kind="quiet"
                small
                icon="retry"
                label={`Repeat ${text}`}
                onClick={() => onRepeat(sent)}
              />
            </li>
          );
        })}
      </ol>
      <Button kind="quiet" small icon="trash" onClick={onClear}>
        Clear the history
      </Button>
    </details>
  );
}
