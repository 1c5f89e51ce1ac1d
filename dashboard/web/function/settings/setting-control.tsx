import { Checkbox, Select, TextField } from "../../ui/field.tsx";
import type { Setting } from "./setting.ts";

export interface SettingControlProps {
  readonly setting: Setting;
  readonly text: string;
  readonly isChanged: boolean;
  readonly fault: string | undefined;
  readonly onChange: (text: string) => void;
}

/** The control of one setting. */
export function SettingControl({ setting, text, isChanged, fault, onChange }: SettingControlProps) {
  const { label, hint, kind, options, example } = setting;
  return <div class={isChanged ? "setting changed" : "setting"}>{control()}</div>;

  function control() {
    if (kind === "choice") {
      const shown = options!.map((value) => ({ value, text: value === "" ? "default" : value }));
      return <Select {...{ label, hint, fault, onChange }} value={text} options={shown} />;
    }
    if (kind === "flag") {
      return (
        <div class="field">
          <Checkbox
            label={label}
            checked={text === "true"}
            onChange={(checked) => onChange(String(checked))}
          />
          <div class="note">{fault ?? hint}</div>
        </div>
      );
    }
    const shared = { label, hint, fault, onChange, value: text, ...(example && { placeholder: example }) };
    // A list that may take a line more.
    if (kind === "lines") return <TextField {...shared} mono rows={Math.max(2, text.split("\n").length)} />;
    return <TextField {...shared} mono={kind === "words" || kind === "text"} />;
  }
}
