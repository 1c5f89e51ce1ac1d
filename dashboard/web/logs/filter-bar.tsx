import { useEffect, useState } from "preact/hooks";
import { useResource } from "../api/resource.ts";
import { Button } from "../ui/button.tsx";
import { Select, TextField } from "../ui/field.tsx";
import type { LogFilters } from "./filters.ts";

export interface FilterBarProps {
  readonly name: string;
  readonly filters: LogFilters;
  readonly onChange: (changed: { readonly [K in keyof LogFilters]: string }) => void;
}

const LEVELS = [
  { value: "", text: "every level" },
  { value: "info", text: "info and above" },
  { value: "warn", text: "warn and above" },
  { value: "error", text: "error" },
];
const TIMES = [
  { value: "", text: "last lines" },
  { value: "15m", text: "15 minutes" },
  { value: "1h", text: "1 hour" },
  { value: "6h", text: "6 hours" },
  { value: "1d", text: "1 day" },
  { value: "7d", text: "7 days" },
];
const STATUSES = [
  { value: "", text: "all lines" },
  { value: "5xx", text: "failed calls" },
];
const TYPING_MS = 350;

/** The filters of the server; each is a part of the address, so a view can be shared. */
export function FilterBar({ name, filters, onChange }: FilterBarProps) {
  const { data } = useResource<{ readonly versions: readonly { readonly version: number }[] }>(
    `/func/${name}`,
  );
  const versions = (data?.versions ?? []).map(({ version }) => version).sort((a, b) => b - a);
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <search class="filters" aria-label="Filters">
      <Typed
        label="Search"
        placeholder="Text in the line"
        value={filters.search ?? ""}
        onChange={(search) => onChange({ search })}
      />
      <Select
        label="Level"
        value={filters.level ?? ""}
        onChange={(level) => onChange({ level })}
        options={withOther(LEVELS, filters.level)}
      />
      <Select
        label="Status"
        value={filters.status ?? ""}
        onChange={(status) => onChange({ status })}
        options={withOther(STATUSES, filters.status)}
      />
      <Select
        label="Since"
        value={filters.since ?? ""}
        onChange={(since) => onChange({ since })}
        options={withOther(TIMES, filters.since)}
      />
      <Select
        label="Version"
        value={filters.version ?? ""}
        onChange={(version) => onChange({ version })}
        options={withOther(
          [
            { value: "", text: "every version" },
            ...versions.map((each) => ({ value: String(each), text: `v${each}` })),
          ],
          filters.version,
        )}
      />
      <Typed
        label="Call id"
        placeholder="Of one call"
        value={filters.call ?? ""}
        onChange={(call) => onChange({ call })}
      />
      {isFiltered ? (
        <Button
          kind="quiet"
          icon="close"
          onClick={() => onChange({ level: "", version: "", status: "", call: "", search: "", since: "" })}
        >
          Clear
        </Button>
      ) : null}
    </search>
  );
}

type Option = { readonly value: string; readonly text: string };

/** A value of the address that is not among the usual ones is offered too. */
function withOther(options: readonly Option[], value: string | undefined): readonly Option[] {
  if (value === undefined || options.some((each) => each.value === value)) return options;
  return [...options, { value, text: value }];
}

interface TypedProps {
  readonly label: string;
  readonly placeholder: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** Asks the server when somebody pauses, not for each letter. */
function Typed({ label, placeholder, value, onChange }: TypedProps) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text.trim() === value) return undefined;
    const timer = setTimeout(() => onChange(text.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, value]);
  return <TextField label={label} placeholder={placeholder} type="search" value={text} onChange={setText} />;
}
