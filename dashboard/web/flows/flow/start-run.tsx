import { useState } from "preact/hooks";
import { useLocation } from "wouter";
import { api } from "../../api/client.ts";
import { useResource } from "../../api/resource.ts";
import { jsonFault } from "../../blocks/json-fault.ts";
import { FormDialog } from "../../ui/dialog.tsx";
import { TextField } from "../../ui/field.tsx";
import { ProblemNotice } from "../../ui/notice.tsx";
import type { FlowDetails } from "./flow.ts";
import { type InputField, inputFields, inputOf } from "./input-fields.ts";

export interface StartRunProps {
  readonly name: string;
  readonly onClose: () => void;
}

/** Begins a run: a field for each member that the input of the flow asks for, or JSON. */
export function StartRun({ name, onClose }: StartRunProps) {
  const [, go] = useLocation();
  const flow = useResource<FlowDetails>(`/flow/${name}`);
  const fields = inputFields(flow.data?.definition?.input);
  const [values, setValues] = useState<Readonly<Record<string, string>>>({});
  const [text, setText] = useState("{}");
  const fault = fields === undefined ? jsonFault(text) : undefined;
  const begin = async () => {
    const json = fields === undefined ? (JSON.parse(text) as unknown) : inputOf(fields, values);
    const { id } = await api.send<{ id: string }>("POST", `/flow/${name}/run`, { json });
    go(`/flows/${name}/runs/${id}`);
  };
  return (
    <FormDialog
      title={`Run ${name}`}
      isGuarded
      action="Run"
      disabled={fault !== undefined}
      onSubmit={begin}
      onClose={onClose}
    >
      <ProblemNotice problem={flow.problem} />
      {fields === undefined ? (
        <TextField label="Input (JSON)" value={text} onChange={setText} rows={8} mono fault={fault} />
      ) : (
        fields.map((field) => (
          <TextField
            key={field.name}
            label={field.name}
            hint={hintOf(field)}
            type={field.kind === "number" ? "number" : "text"}
            required={field.isRequired}
            value={values[field.name] ?? ""}
            onChange={(value) => setValues({ ...values, [field.name]: value })}
          />
        ))
      )}
    </FormDialog>
  );
}

function hintOf({ description, kind, isRequired }: InputField): string {
  const rule = `${kind === "json" ? "JSON" : kind}${isRequired ? "" : ", may be left out"}`;
  return description === undefined ? rule : `${description} (${rule})`;
}
