import { useState } from "preact/hooks";
import { Select } from "../../ui/field.tsx";
import type { FlowLanguage } from "../language/client.ts";
import { CommitField } from "./commit-field.tsx";
import { controlOf, descriptionOf, type Schema } from "./schema-shape.ts";
import { linesOf, readLines, readNumber, readValue, readWords, textOf } from "./value-text.ts";

export interface SchemaFieldProps {
  readonly root: Schema;
  readonly schema: Schema;
  readonly language: FlowLanguage;
  readonly label: string;
  readonly value: unknown;
  /** Undefined removes the member. */
  readonly onSet: (value: unknown) => unknown;
  /** Names that fit. */
  readonly suggestions?: readonly string[];
}

/** The control that fits the schema of a member. */
export function SchemaField({ root, schema, language, label, value, onSet, suggestions }: SchemaFieldProps) {
  const [fault, setFault] = useState<string>();
  const control = controlOf(root, schema);
  const hint = descriptionOf(schema);
  const read = (reading: (text: string) => unknown) => async (text: string) => {
    try {
      const found = await reading(text);
      setFault(undefined);
      await onSet(found);
    } catch (error) {
      setFault((error as Error).message);
    }
  };
  const shared = { label, hint, fault };
  if (control === "choice") {
    const options = (schema.enum as readonly unknown[]).map(String);
    return (
      <Select
        label={label}
        hint={hint}
        value={textOf(value)}
        options={[{ value: "", text: "by default" }, ...options]}
        onChange={(chosen) => void onSet(chosen === "" ? undefined : chosen)}
      />
    );
  }
  switch (control) {
    case "number":
      return <CommitField {...shared} value={textOf(value)} onCommit={read(readNumber)} />;
    case "texts":
      return (
        <CommitField
          {...shared}
          rows={2}
          placeholder="name: value"
          value={linesOf(value)}
          onCommit={read(readLines)}
        />
      );
    case "list":
      return Array.isArray(value) && value.some((item) => typeof item === "object") ? (
        <ValueField {...shared} language={language} value={value} onSet={onSet} />
      ) : (
        <CommitField
          {...shared}
          value={[value ?? []].flat().map(textOf).join(", ")}
          onCommit={read(readWords)}
        />
      );
    case "value":
      return <ValueField {...shared} language={language} value={value} onSet={onSet} />;
    case "text":
      return (
        <CommitField
          {...shared}
          value={textOf(value)}
          onCommit={read((text) => (text.trim() === "" ? undefined : text))}
          {...(suggestions === undefined ? {} : { suggestions })}
        />
      );
  }
}

interface ValueFieldProps {
  readonly language: FlowLanguage;
  readonly label: string;
  readonly hint?: string | undefined;
  readonly value: unknown;
  readonly onSet: (value: unknown) => unknown;
}

/** Any value, as YAML or JSON with expressions. */
export function ValueField({ language, label, hint, value, onSet }: ValueFieldProps) {
  const [fault, setFault] = useState<string>();
  const text = typeof value === "string" ? value : yamlOf(value);
  const commit = async (written: string) => {
    try {
      await onSet(await readValue(language, written));
      setFault(undefined);
    } catch (error) {
      setFault((error as Error).message);
    }
  };
  return (
    <CommitField
      {...{ label, hint, fault }}
      rows={Math.min(10, Math.max(2, text.split("\n").length))}
      placeholder={'amount: "${ steps.check.output.amount }"'}
      value={text}
      onCommit={commit}
    />
  );
}

/** Objects with a line for each member; what is within as JSON, which is YAML too. */
function yamlOf(value: unknown): string {
  if (value === undefined) return "";
  if (typeof value !== "object" || value === null || Array.isArray(value)) return JSON.stringify(value);
  return Object.entries(value)
    .map(([key, member]) => `${key}: ${JSON.stringify(member)}`)
    .join("\n");
}
