import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { signInFault, signInWith } from "../session/session.ts";
import { TextField } from "../ui/field.tsx";
import { Notice } from "../ui/notice.tsx";

interface KeyEntryProps {
  /** Above the field. */
  readonly lead: ComponentChildren;
  /** Below the field, with the button that submits. */
  readonly children: (isEmpty: boolean) => ComponentChildren;
}

/** A form that signs in with a key or token, and shows why the last sign-in failed. */
export function KeyEntry({ lead, children }: KeyEntryProps) {
  const [text, setText] = useState("");
  const submit = (event: Event) => {
    event.preventDefault();
    void signInWith(text.trim());
  };
  return (
    <form onSubmit={submit}>
      {lead}
      {signInFault.value === undefined ? null : <Notice kind="bad">{signInFault.value}</Notice>}
      <TextField label="Key or token" type="password" value={text} onChange={setText} required mono />
      {children(text.trim() === "")}
    </form>
  );
}
