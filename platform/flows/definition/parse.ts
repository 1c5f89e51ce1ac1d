import { stringify } from "yaml";
import { isRecord } from "../../settings/invalid-setting.ts";
import { checkExpressions } from "./checks/expressions.ts";
import { checkLinks } from "./checks/links.ts";
import { checkInputSchema } from "./checks/schema.ts";
import { checkWaits } from "./checks/waits.ts";
import type { FlowDefinition, Steps, Template } from "./definition.ts";
import { KEYS } from "./reading/keys.ts";
import { checkStepName, declarationNameOf } from "./reading/names.ts";
import { ENOUGH_FAULTS, type FlowChecks, Place, type Reading } from "./reading/place.ts";
import { readStep } from "./reading/step.ts";
import { readTriggers } from "./reading/triggers.ts";
import { durationOf, isObject, templateOf, textOf } from "./reading/values.ts";
import { LONG } from "./reading/wait.ts";
import { type FlowDocument, readDocument, type Spot } from "./text/document.ts";
import { withKeysNamed } from "./text/kubectl-keys.ts";

export interface FlowOptions extends FlowChecks {
  /** Of the declaration. Without it the text must have a name. */
  readonly name?: string | undefined;
}

export interface FlowFault {
  /** Names the key and its value, and says what to do. */
  readonly message: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly lineText: string;
  /** JSON pointer (RFC 6901); empty for the whole text. */
  readonly pointer: string;
}

/** A flow, or all that is wrong with its text: up to 20 faults in the order of the text. */
export type Parsed =
  | { readonly definition: FlowDefinition; readonly faults?: undefined }
  | { readonly definition?: undefined; readonly faults: readonly FlowFault[] };

const MOST_FAULTS = 20;
const MOST_LINE = 200;
const DEFAULT_TIMEOUT_MS = 30 * 86_400_000;

/** Reads the text of a flow, in YAML or JSON. */
export function parseFlow(text: string, options: FlowOptions): Parsed {
  const { definition, faults } = sketchFlow(text, options);
  return definition !== undefined && faults.length === 0 ? { definition } : { faults };
}

/** A text as far as it can be read, for editors. */
export interface Sketch {
  /** JSON; undefined if the text is none. */
  readonly value: unknown;
  /** What has faults is left out, or stands for something that has none. */
  readonly definition: FlowDefinition | undefined;
  readonly faults: readonly FlowFault[];
  /** Line of the key at a path. */
  readonly lineOf: (path: readonly string[]) => number;
}

export function sketchFlow(text: string, options: FlowOptions): Sketch {
  const document = readDocument(text);
  const lineOf = (path: readonly string[]) =>
    document.lineOf(document.spotOf({ path, message: "", isKey: true }).offset).line;
  if (document.spots.length > 0) {
    const faults = faultsOf(text, document, document.spots);
    return { value: undefined, definition: undefined, faults, lineOf };
  }
  const reading: Reading = { ...options, faults: [], uses: [] };
  const definition = readFlow(new Place(document.value, [], reading), options.name);
  const faults = faultsOf(text, document, reading.faults.slice(0, 2 * ENOUGH_FAULTS).map(document.spotOf));
  return { value: document.value, definition, faults, lineOf };
}

/** The spec of a declaration: the text, or the members of the flow themselves, as `kubectl` has them. */
export type FlowSpec = Readonly<Record<string, unknown>>;

/** Reads the spec of a declaration. `text` is what the lines of faults count in: `source`, or the members as YAML. */
export function flowOfSpec(spec: FlowSpec, options: FlowOptions): Parsed & { readonly text: string } {
  const { source } = spec;
  const text = typeof source === "string" ? source : stringify(withKeysNamed(spec));
  return { text, ...parseFlow(text, options) };
}

function readFlow(place: Place, name: string | undefined): FlowDefinition | undefined {
  if (place.value === null || !isRecord(place.value)) {
    const example = "steps: {hello: {fn: hello}}";
    return place.fault(`The text is not a flow: write an object with steps, such as ${example}.`);
  }
  isObject(place, KEYS.flow);
  const flow = nameOf(place, name);
  const description = textOf(
    place.member("description"),
    /^[\s\S]{0,2000}$/,
    "a text of at most 2000 characters",
  );
  const input = inputOf(place.member("input"));
  const output = place.member("output");
  const steps = stepsOf(place.member("steps"));
  const last = stepsOf(place.member("finally"));
  if (place.member("steps") === undefined)
    place.fault("The flow has no steps: add steps, such as steps: {hello: {fn: hello}}.");
  const definition = {
    flow: flow ?? "",
    ...(description !== undefined && { description }),
    on: readTriggers(place.member("on")),
    ...(input !== undefined && { input }),
    steps,
    finally: last,
    ...(output && { output: templateOf(output) as Template }),
    timeoutMs: durationOf(place.member("timeout"), LONG) ?? DEFAULT_TIMEOUT_MS,
  };
  checkWaits(definition, place);
  checkLinks(definition, place.reading);
  checkExpressions(definition, place.reading);
  return definition;
}

function nameOf(place: Place, name: string | undefined): string | undefined {
  const given = place.member("flow");
  if (given === undefined) {
    return name ?? place.fault("The flow has no name: add one, such as flow: order.");
  }
  const flow = declarationNameOf(given, "flow");
  if (name === undefined || flow === undefined || flow === name) return flow;
  return given.fault(
    `flow is "${flow}", but the flow is stored as "${name}": use one name, or remove the key.`,
  );
}

function inputOf(place: Place | undefined): FlowDefinition["input"] {
  if (place === undefined) return undefined;
  const { value } = place;
  if (typeof value !== "boolean" && !isRecord(value)) {
    return place.wrong("a JSON Schema of the input, such as {type: object, required: [id]}");
  }
  checkInputSchema(place, value);
  return value;
}

function stepsOf(place: Place | undefined): Steps {
  if (place === undefined) return {};
  if (Array.isArray(place.value)) {
    place.fault(`${place.name} is a list: give each step a name, such as hello: {fn: hello}.`);
    return {};
  }
  if (!isRecord(place.value) || (place.key === "steps" && Object.keys(place.value).length === 0)) {
    place.fault(`${place.name} has no step: add one, such as hello: {fn: hello}.`);
    return {};
  }
  const { flowSteps } = place.reading.limits;
  const members = place.all();
  if (members.length > flowSteps) {
    place.keyFault(
      `${place.name} has ${members.length} steps: use at most ${flowSteps} (SKIFF_FLOW_STEPS), or make a flow of some of them.`,
    );
    return {};
  }
  const steps = members.map((member) => {
    checkStepName(member);
    return [member.key, readStep(member)] as const;
  });
  return Object.fromEntries(steps);
}

function faultsOf(text: string, document: FlowDocument, spots: readonly Spot[]): readonly FlowFault[] {
  const sorted = [...spots].sort((a, b) => a.offset - b.offset).slice(0, MOST_FAULTS);
  const lines = text.split(/\r?\n/);
  return sorted.map(({ message, offset, path }) => {
    const { line, column } = document.lineOf(offset);
    const pointer = path.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
    return { message, line, column, lineText: (lines[line - 1] ?? "").slice(0, MOST_LINE), pointer };
  });
}
