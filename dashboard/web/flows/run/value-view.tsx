import { useMemo, useState } from "preact/hooks";
import { BodyText } from "../../blocks/body-text.tsx";
import { Button } from "../../ui/button.tsx";
import { bytesText } from "../../ui/values.tsx";
import type { KeptBody } from "./run.ts";

export interface ValueViewProps {
  /** What it is, such as `Output of charge`. */
  readonly label: string;
  readonly value: unknown;
}

/** A value as JSON that can be folded away. */
export function ValueView({ label, value }: ValueViewProps) {
  const [isOpen, setOpen] = useState(true);
  const text = useMemo(() => (typeof value === "string" ? value : JSON.stringify(value, null, 2)), [value]);
  if (text === undefined) return <p class="muted">{label}: none</p>;
  return (
    <div class="value-view">
      <Button small kind="quiet" icon={isOpen ? "down" : "right"} onClick={() => setOpen(!isOpen)}>
        {label}
      </Button>
      {isOpen ? <BodyText label={label} text={text} type="text/plain" /> : null}
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
