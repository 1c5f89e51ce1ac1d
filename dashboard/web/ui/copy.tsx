import { useState } from "preact/hooks";
import { Button } from "./button.tsx";

export interface CopyProps {
  /** A function where making the text takes time. */
  readonly text: string | (() => string);
  /** Such as `Copy as curl`. Without it the button has a picture alone. */
  readonly children?: string;
  readonly small?: boolean;
}

const SHOWN_MS = 1_500;

/** Copies a text and says that it did. */
export function Copy({ text, children, small = true }: CopyProps) {
  const [isDone, setDone] = useState(false);
  const copy = async () => {
    await copyText(typeof text === "string" ? text : text());
    setDone(true);
    setTimeout(() => setDone(false), SHOWN_MS);
  };
  const icon = isDone ? "check" : "copy";
  if (children === undefined)
    return (
      <Button kind="quiet" small={small} icon={icon} label={isDone ? "Copied" : "Copy"} onClick={copy} />
    );
  return (
    <Button small={small} icon={icon} onClick={copy}>
      {isDone ? "Copied" : children}
    </Button>
  );
}

/** Browsers offer their clipboard on HTTPS and loopback alone; elsewhere the old command does it. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (!isCopied) throw new Error("the browser does not allow copying: select the text and copy it by hand");
}

/** A text that is meant to be copied, such as a command. */
export function CopyLine({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <div class="copy-line">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also by keyboard */}
      <section tabIndex={0} aria-label={label}>
        <code>{text}</code>
      </section>
      <Copy text={text} />
    </div>
  );
}
