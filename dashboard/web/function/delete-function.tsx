import { useState } from "preact/hooks";
import { useLocation } from "wouter";
import { api } from "../api/client.ts";
import { allowed } from "../blocks/allowed.ts";
import { Button } from "../ui/button.tsx";
import { FormDialog } from "../ui/dialog.tsx";
import { showDone } from "../ui/toast.tsx";
import { pathOf } from "./described.ts";

/** Deletes a function after its name was typed. */
export function DeleteFunction({ name }: { readonly name: string }) {
  const [isOpen, setOpen] = useState(false);
  const [, go] = useLocation();
  const remove = async () => {
    await api.send("DELETE", pathOf(name));
    showDone(`${name} is deleted.`);
    go("/");
  };
  return (
    <>
      <Button kind="danger" icon="trash" onClick={() => setOpen(true)} {...allowed("deploy")}>
        Delete
      </Button>
      {isOpen ? (
        <FormDialog
          title={`Delete ${name}?`}
          action="Delete"
          kind="danger"
          typed={name}
          onSubmit={remove}
          onClose={() => setOpen(false)}
        >
          <p>
            Its URL answers 404 at once, and all its versions are removed. Calls in flight may finish. This
            cannot be undone.
          </p>
        </FormDialog>
      ) : null}
    </>
  );
}
