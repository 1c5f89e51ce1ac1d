import { useState } from "preact/hooks";
import { FormDialog } from "../ui/dialog.tsx";
import { TextField } from "../ui/field.tsx";
import { putSecret } from "./secret.ts";

export interface PutSecretProps {
  /** Of the secret that gets a new value; absent for a new secret. */
  readonly name?: string;
  readonly onClose: () => void;
  readonly onDone: (name: string) => Promise<unknown>;
}

/** Asks for a value, which is sent and never shown again. */
export function PutSecret({ name: given, onClose, onDone }: PutSecretProps) {
  const [name, setName] = useState(given ?? "");
  const [value, setValue] = useState("");
  const submit = async () => {
    await putSecret(name.trim(), value, given === undefined);
    await onDone(name.trim());
  };
  return (
    <FormDialog
      title={given === undefined ? "New secret" : `New value of ${given}`}
      isGuarded
      action="Store"
      onSubmit={submit}
      onClose={onClose}
    >
      {given === undefined ? (
        <TextField
          label="Name"
          mono
          required
          placeholder="db-password"
          hint="Letters a–z, digits and hyphens. db-password becomes the variable DB_PASSWORD."
          value={name}
          onChange={setName}
        />
      ) : null}
      <TextField
        label="Value"
        mono
        required
        rows={3}
        hint="The value is stored as typed, line ends included. Nobody can read it back."
        value={value}
        onChange={setValue}
      />
      {given === undefined ? null : (
        <p class="muted">Functions that use it get a new version with the new value at once.</p>
      )}
    </FormDialog>
  );
}
