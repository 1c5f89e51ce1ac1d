import { Button } from "../../ui/button.tsx";
import { Select } from "../../ui/field.tsx";
import type { FlowSession } from "../editor/session.ts";
import type { OutlineStep } from "../language/outline.ts";
import { CommitField } from "./commit-field.tsx";
import { ValueField } from "./schema-fields.tsx";
import { readWords } from "./value-text.ts";

interface Rule {
  readonly on?: unknown;
  readonly then?: string;
  readonly output?: unknown;
}

interface CatchFieldsProps {
  readonly session: FlowSession;
  readonly steps: readonly OutlineStep[];
  readonly name: string;
  readonly rules: unknown;
  readonly onSet: (rules: unknown) => unknown;
}

/** The rules for errors of a step, in their order. */
export function CatchFields({ session, steps, name, rules, onSet }: CatchFieldsProps) {
  const all = [rules ?? []].flat() as readonly Rule[];
  const put = (index: number, rule: Rule | undefined) => {
    const next = rule === undefined ? all.toSpliced(index, 1) : all.with(index, rule);
    return onSet(next.length === 0 ? undefined : next);
  };
  const others = steps.filter((step) => step.name !== name).map((step) => step.name);
  return (
    <>
      {all.map((rule, index) => (
        <fieldset key={index} class="catch-rule">
          <legend>Rule {index + 1}</legend>
          <CommitField
            label="Catches"
            hint="Types such as timeout, statuses such as 404 or 5xx; empty: any error."
            value={[rule.on ?? []].flat().join(", ")}
            onCommit={(text) => put(index, { on: readWords(text), ...without(rule, "on") })}
          />
          <Select
            label="Then"
            value={rule.then ?? ""}
            options={[
              { value: "", text: "goes on with an output" },
              ...others.map((each) => ({ value: each, text: `runs ${each}` })),
            ]}
            onChange={(then) =>
              void put(index, { ...on(rule), ...(then === "" ? { output: null } : { then }) })
            }
          />
          {rule.then === undefined ? (
            <ValueField
              label="Output"
              language={session.language}
              value={rule.output}
              onSet={(output) => put(index, { ...on(rule), output: output ?? null })}
            />
          ) : null}
          <Button small icon="trash" onClick={() => put(index, undefined)}>
            Remove the rule
          </Button>
        </fieldset>
      ))}
      <Button small icon="plus" onClick={() => onSet([...all, { output: null }])}>
        Catch an error
      </Button>
    </>
  );
}

function on(rule: Rule): Rule {
  return rule.on === undefined ? {} : { on: rule.on };
}

function without(rule: Rule, key: keyof Rule): Rule {
  const { [key]: _, ...rest } = rule;
  return rest;
}
