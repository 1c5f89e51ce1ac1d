import { Select, TextField } from "../ui/field.tsx";
import type { ImageChoice } from "./deploy-new.ts";

interface ImageFieldsProps {
  readonly value: ImageChoice;
  readonly onChange: (value: ImageChoice) => void;
  /** What the API says about the image. */
  readonly fault: string | undefined;
}

/** A container image: its name, and how calls reach it. */
export function ImageFields({ value, onChange, fault }: ImageFieldsProps) {
  return (
    <div class="stack">
      <TextField
        label="Image"
        value={value.image}
        onChange={(image) => onChange({ ...value, image })}
        placeholder="docker.io/library/httpd:2.4"
        hint="The version runs the digest that the name has now."
        fault={fault}
        mono
        autoFocus
      />
      <Select
        label="Calls"
        value={value.mode}
        onChange={(mode) => onChange({ ...value, mode })}
        options={[
          { value: "serve", text: "It speaks HTTP on $PORT" },
          { value: "call", text: "Each call starts the command: standard input to output" },
        ]}
      />
      <TextField
        label="Command"
        value={value.command}
        onChange={(command) => onChange({ ...value, command })}
        hint="By default the one of the image."
        mono
      />
    </div>
  );
}
