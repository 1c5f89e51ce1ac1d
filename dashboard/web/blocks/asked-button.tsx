import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Button, type ButtonProps } from "../ui/button.tsx";
import { FormDialog, type FormDialogProps } from "../ui/dialog.tsx";

export interface AskedButtonProps extends Omit<ButtonProps, "onClick" | "type" | "pressed"> {
  readonly question: string;
  /** On the button that does it; the question is asked with it. */
  readonly action: string;
  readonly onSubmit: FormDialogProps["onSubmit"];
  /** What comes of it. */
  readonly outcome: ComponentChildren;
}

/** A button for what nobody should do by a slip: it asks first. */
export function AskedButton({ question, action, onSubmit, outcome, ...button }: AskedButtonProps) {
  const [isOpen, setOpen] = useState(false);
  const kind = button.kind === "danger" ? "danger" : "primary";
  return (
    <>
      <Button {...button} onClick={() => setOpen(true)} />
      {isOpen ? (
        <FormDialog {...{ title: question, action, kind, onSubmit }} onClose={() => setOpen(false)}>
          <p>{outcome}</p>
        </FormDialog>
      ) : null}
    </>
  );
}
