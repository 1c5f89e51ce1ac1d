import { useMemo, useState } from "preact/hooks";
import { Button } from "../../ui/button.tsx";
import { Copy } from "../../ui/copy.tsx";
import { bytesText } from "../../ui/values.tsx";

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
  if (text === undefined) return <p class="muted">none</p>;
  const isCut = text.length > SHOWN_CHARACTERS;
  return (
    <div class="value-view">
      <div class="row">
        <Button small kind="quiet" icon={isOpen ? "down" : "right"} onClick={() => setOpen(!isOpen)}>
          {label}
        </Button>
        <Copy text={text} />
        {isCut ? (
          <Button small icon="upload" onClick={() => saveBlob(`${label}.json`, new Blob([text]))}>
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

/** Saves bytes as a file of this machine. */
export function saveBlob(name: string, blob: Blob): void {
  // Of no type that a browser shows.
  const url = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}
