import { Select, TextField } from "../../ui/field.tsx";
import type { AttemptDocument } from "./run.ts";

export interface ItemChoiceProps {
  readonly total: number;
  /** The last one of each item that is under way or failed. */
  readonly attempts: readonly AttemptDocument[];
  readonly value: number;
  readonly onChange: (item: number) => void;
}

/** A longer list is chosen from by number. */
const LISTED = 500;

/** Which item of a step is shown. */
export function ItemChoice({ total, attempts, value, onChange }: ItemChoiceProps) {
  if (total > LISTED)
    return (
      <TextField
        label={`Item (0 to ${total - 1})`}
        type="number"
        value={String(value)}
        onChange={(text) => {
          const item = Number(text);
          if (text !== "" && Number.isInteger(item) && item >= 0 && item < total) onChange(item);
        }}
      />
    );
  const known = new Map(attempts.map((attempt) => [attempt.item, attempt]));
  return (
    <Select
      label="Item"
      value={String(value)}
      onChange={(text) => onChange(Number(text))}
      options={Array.from({ length: total }, (_, item) => {
        const last = known.get(item);
        const error = last?.error === undefined ? "" : ` (${last.error.type})`;
        return {
          value: String(item),
          text: last === undefined ? `${item}` : `${item}: ${last.state}${error}`,
        };
      })}
    />
  );
}

/** Such as `6 items: 4 done, 1 running, 1 failed`. */
export function itemsText({ total = 0, ...counts }: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).filter(([, count]) => count > 0);
  const states = parts.map(([state, count]) => `${count} ${state}`).join(", ");
  return `${total} ${total === 1 ? "item" : "items"}${states === "" ? "" : `: ${states}`}`;
}
