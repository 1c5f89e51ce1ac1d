import { Checkbox, Select, TextField } from "../../ui/field.tsx";
import type { Described } from "../described.ts";

/** What holds beside the weights, as people write it. */
export interface Rules {
  readonly sticky: "none" | "cookie" | "header";
  readonly key: string;
  readonly hasGuard: boolean;
  /** In percent. */
  readonly errorRate: string;
  readonly slowdown: string;
  readonly calls: string;
}

export function rulesOf({ sticky, guard }: Pick<Described, "sticky" | "guard">): Rules {
  const { errorRate = 0.05, slowdown, calls = 100 } = guard ?? {};
  return {
    sticky: sticky?.cookie !== undefined ? "cookie" : sticky?.header !== undefined ? "header" : "none",
    key: sticky?.cookie ?? sticky?.header ?? "",
    hasGuard: guard !== undefined,
    errorRate: guard !== undefined && guard.errorRate === undefined ? "" : String(round(errorRate * 100)),
    slowdown: slowdown === undefined ? "" : String(slowdown),
    calls: String(calls),
  };
}

/** The members of `PUT /func/NAME/traffic`. The API rejects what is not a number. */
export function rulesDocument({ sticky, key, hasGuard, errorRate, slowdown, calls }: Rules) {
  const number = (text: string) => (text.trim() === "" ? undefined : Number(text));
  const rate = number(errorRate);
  const guard = {
    ...(rate === undefined ? {} : { errorRate: round(rate / 100) }),
    slowdown: number(slowdown),
    calls: number(calls),
  };
  return {
    ...(sticky === "none" ? {} : { sticky: { [sticky]: key.trim() } }),
    ...(hasGuard ? { guard } : {}),
  };
}

interface RulesFieldsProps {
  readonly rules: Rules;
  readonly onChange: (rules: Rules) => void;
}

export function RulesFields({ rules, onChange }: RulesFieldsProps) {
  const set = (changed: Partial<Rules>) => onChange({ ...rules, ...changed });
  return (
    <details class="rules" open={rules.sticky !== "none" || rules.hasGuard}>
      <summary>Keep callers with their version, take a bad version back</summary>
      <div class="stack">
        <div class="row">
          <Select
            label="Callers stay with a version by"
            value={rules.sticky}
            options={[
              { value: "none", text: "nothing: each call by weight" },
              { value: "cookie", text: "a cookie" },
              { value: "header", text: "a header" },
            ]}
            onChange={(sticky) => set({ sticky })}
          />
          {rules.sticky === "none" ? null : (
            <TextField
              label={`Name of the ${rules.sticky}`}
              value={rules.key}
              onChange={(key) => set({ key })}
              mono
              required
              hint="Calls with the same value go to the same version."
            />
          )}
        </div>
        <Checkbox
          label="Guard: take the calls of a fresh version away when it is worse than the others"
          checked={rules.hasGuard}
          onChange={(hasGuard) => set({ hasGuard })}
        />
        {rules.hasGuard ? (
          <div class="row">
            <TextField
              label="More errors, in % of calls"
              type="number"
              value={rules.errorRate}
              onChange={(errorRate) => set({ errorRate })}
            />
            <TextField
              label="Slower, times the p95"
              type="number"
              value={rules.slowdown}
              onChange={(slowdown) => set({ slowdown })}
            />
            <TextField
              label="Over its first calls"
              type="number"
              value={rules.calls}
              onChange={(calls) => set({ calls })}
            />
          </div>
        ) : null}
      </div>
    </details>
  );
}

function round(value: number): number {
  return Number(value.toPrecision(6));
}
