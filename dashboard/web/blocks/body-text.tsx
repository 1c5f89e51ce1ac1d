import { useMemo } from "preact/hooks";
import { Copy } from "../ui/copy.tsx";
import { bytesText } from "../ui/values.tsx";

/** A page with more text than this becomes slow. */
const MOST_SHOWN = 200_000;

export interface BodyTextProps {
  readonly label: string;
  readonly text: string;
  /** Media type; JSON is indented. */
  readonly type?: string | undefined;
}

/** A body as text: JSON is indented, and of a long one the beginning is shown. Copy takes all of it. */
export function BodyText({ label, text, type = "" }: BodyTextProps) {
  const shown = useMemo(() => indented(text, type), [text, type]);
  if (text === "") return <p class="muted">Empty.</p>;
  const isCut = shown.length > MOST_SHOWN;
  return (
    <div class="body-text">
      <Copy text={shown} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard */}
      <section tabIndex={0} aria-label={label}>
        <pre>{isCut ? shown.slice(0, MOST_SHOWN) : shown}</pre>
      </section>
      {isCut ? (
        <p class="muted">
          The first {bytesText(MOST_SHOWN)} of {bytesText(shown.length)}. Copy takes all of it.
        </p>
      ) : null}
    </div>
  );
}

function indented(text: string, type: string): string {
  if (!/json/.test(type) && !/^\s*[{[]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
