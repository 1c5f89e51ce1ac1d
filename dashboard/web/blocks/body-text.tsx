import { useMemo } from "preact/hooks";
import { prettyJson } from "../try/answer/body-kind.ts";
import { Button } from "../ui/button.tsx";
import { Copy } from "../ui/copy.tsx";
import { saveFile } from "../ui/save-file.ts";
import { bytesText } from "../ui/values.tsx";

/** A page with more text than this becomes slow. */
const MOST_SHOWN = 100_000;

export interface BodyTextProps {
  readonly label: string;
  readonly text: string;
  /** Media type; JSON is indented. Without one, what looks like JSON is. */
  readonly type?: string | undefined;
}

/** A body as text: JSON is indented, and of a long one the beginning is shown; Copy and Save take all of it. */
export function BodyText({ label, text, type = "" }: BodyTextProps) {
  const isJson = /json/.test(type) || (type === "" && /^\s*[{[]/.test(text));
  const shown = useMemo(() => (isJson ? prettyJson(text) : text), [text, isJson]);
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
          The first {bytesText(MOST_SHOWN)} of {bytesText(shown.length)}.{" "}
          <Button small icon="down" onClick={() => saveFile(new Blob([shown]), `${label}.txt`)}>
            Save all
          </Button>
        </p>
      ) : null}
    </div>
  );
}
