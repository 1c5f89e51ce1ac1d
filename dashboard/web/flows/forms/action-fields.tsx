import type { FlowSession } from "../editor/session.ts";
import type { ActionKey } from "../language/outline.ts";
import { SchemaField } from "./schema-fields.tsx";
import { propertiesOf, type Schema } from "./schema-shape.ts";

/** The member that the short form of an action is, such as `fn: charge` of `fn: { name: charge }`. */
const SHORT: Partial<Record<ActionKey, string>> = {
  fn: "name",
  http: "url",
  publish: "topic",
  approve: "message",
};
const LABELS: Readonly<Record<string, string>> = {
  "fn name": "Function",
  "http url": "URL",
  "publish topic": "Topic",
  "exec cmd": "Command",
  "approve message": "Question",
  "approve by": "Who decides",
  "wait event": "For an event of the topic",
  "wait for": "For",
  "wait until": "Until",
};

interface ActionFieldsProps {
  readonly schema: Schema;
  /** Of a step. */
  readonly properties: Readonly<Record<string, Schema>>;
  readonly session: FlowSession;
  readonly action: ActionKey;
  readonly names: {
    readonly functions: readonly string[];
    readonly flows: readonly string[];
    readonly topics: readonly string[];
  };
  readonly value: unknown;
  readonly onSet: (value: unknown) => unknown;
}

/** The fields of an action. It keeps its short form as long as that says everything. */
export function ActionFields({
  schema,
  properties,
  session,
  action,
  names,
  value,
  onSet,
}: ActionFieldsProps) {
  const own = properties[action]!;
  const members = propertiesOf(schema, own);
  const { language } = session;
  const suggestions: Readonly<Record<string, readonly string[]>> = {
    ...{ "fn name": names.functions, "flow ": names.flows },
    ...{ "publish topic": names.topics, "wait event": names.topics },
  };
  if (action === "flow") {
    return (
      <SchemaField
        {...{ root: schema, schema: own, language, label: "Flow", value, onSet }}
        suggestions={names.flows}
      />
    );
  }
  const short = action === "wait" ? "for" : SHORT[action];
  const long =
    typeof value === "object" && value !== null ? value : short === undefined ? {} : { [short]: value };
  const put = (key: string, member: unknown) => {
    const next = Object.entries({ ...long, [key]: member }).filter(
      ([, each]) => each !== undefined && each !== "",
    );
    const isShort = next.length === 1 && next[0]![0] === short;
    return onSet(isShort ? next[0]![1] : Object.fromEntries(next));
  };
  const values = long as Readonly<Record<string, unknown>>;
  const fitting = Object.entries(members).filter(([key]) => action !== "wait" || fitsWait(key, long));
  const isExtra = ([key]: readonly [string, unknown]) =>
    action !== "wait" && action !== "exec" && key !== short;
  const extra = fitting.filter(isExtra);
  const field = ([key, member]: readonly [string, Schema]) => (
    <SchemaField
      key={key}
      {...{ root: schema, schema: member, language, label: LABELS[`${action} ${key}`] ?? titled(key) }}
      value={values[key]}
      onSet={(written) => put(key, written)}
      {...(suggestions[`${action} ${key}`] === undefined
        ? {}
        : { suggestions: suggestions[`${action} ${key}`]! })}
    />
  );
  return (
    <>
      {fitting.filter((each) => !isExtra(each)).map(field)}
      {extra.length === 0 ? null : (
        <details open={extra.some(([key]) => values[key] !== undefined)}>
          <summary>{action === "fn" || action === "http" ? "Request" : "More"}</summary>
          <div class="fields">{extra.map(field)}</div>
        </details>
      )}
    </>
  );
}

/** A wait is for a time, until a time, or for an event. */
function fitsWait(key: string, long: object): boolean {
  const kind = ["event", "until", "for"].find((each) => Object.hasOwn(long, each)) ?? "for";
  if (kind === "event") return !["for", "until"].includes(key);
  return kind === key;
}

function titled(key: string): string {
  return `${key[0]!.toUpperCase()}${key.slice(1)}`;
}
