import { useMemo, useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { Copy } from "../../ui/copy.tsx";
import { saveFile } from "../../ui/save-file.ts";
import { bytesText } from "../../ui/values.tsx";
import type { KeptBody } from "./run.ts";

export interface ValueViewProps {
  /** What it is, such as `Output of charge`. */
  readonly label: string;
  readonly value: unknown;
}

/** Larger texts make a page slow. */
const SHOWN_CHARACTERS = 100_000;

/** A value as JSON, its beginning if it is large; the whole of it can be saved. */
export function ValueView({ label, value }: ValueViewProps) {
  const [isOpen, setOpen] = useState(true);
  const text = useMemo(() => (typeof value === "string" ? value : JSON.stringify(value, null, 2)), [value]);
  if (text === undefined) return <p class="muted">{label}: none</p>;
  const isCut = text.length > SHOWN_CHARACTERS;
  return (
    <div class="value-view">
      <div class="row">
        <Button small kind="quiet" icon={isOpen ? "down" : "right"} onClick={() => setOpen(!isOpen)}>
          {label}
        </Button>
        <Copy text={text} />
        {isCut ? (
          <Button small icon="down" onClick={() => saveFile(new Blob([text]), `${label}.json`)}>
            Save all {bytesText(text.length)}
          </Button>
        ) : null}
      </div>
      {isOpen ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard
        <section tabIndex={0} aria-label={label}>
          <pre>{isCut ? `${text.slice(0, SHOWN_CHARACTERS)}\n… the first 100 KB` : text}</pre>
        </section>
      ) : null}
    </div>
  );
}

export interface KeptValueProps {
  readonly label: string;
  readonly value: unknown;
  /** Of a value that is kept beside the run. */
  readonly body: KeptBody | undefined;
}

/** A value, or what is known of one that is too large to be a part of the run. */
export function KeptValue({ label, value, body }: KeptValueProps) {
  if (body === undefined) return <ValueView label={label} value={value} />;
  return (
    <p>
      {label}: {bytesText(body.bytes)} of {body.type}
    </p>
  );
}
