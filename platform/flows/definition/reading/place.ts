import { isRecord, shown } from "../../../settings/invalid-setting.ts";
import type { Expression, Template } from "../definition.ts";

/** Keys and indexes from the flow to a value. */
export type Path = readonly string[];

/** A fault that has no line yet. */
export interface Fault {
  readonly path: Path;
  readonly message: string;
  /** Points to the key instead of the value. */
  readonly isKey?: boolean;
  /** Characters of the text at `path` before the fault. */
  readonly offset?: number;
}

/** Those of `Limits` that a text is held to; this file is read by browsers too. */
export interface FlowLimits {
  readonly flowSteps: number;
  readonly flowItems: number;
}

export interface FlowChecks {
  readonly limits: FlowLimits;
  /** `schemaFault` (platform/flows/input/), which has a large library. Without it the schema of the input is not checked. */
  readonly checkSchema?: ((schema: JsonSchema) => string | undefined) | undefined;
  /** `cronFault` (platform/events/cron.ts), which needs Node. Without it cron expressions are not checked. */
  readonly checkCron?:
    | ((text: { cron: string; timeZone?: string | undefined }) => string | undefined)
    | undefined;
}

export type JsonSchema = Readonly<Record<string, unknown>> | boolean;

/** People get 20 faults. Those beyond this number are not searched for, because that takes time. */
export const ENOUGH_FAULTS = 100;

/** An expression or a template of the text. */
export type Use =
  /** `offset`: characters of the text at `path` before the expression. */
  | { readonly path: Path; readonly expression: Expression; readonly offset: number }
  | { readonly path: Path; readonly template: Template };

export interface Reading extends FlowChecks {
  /** Both grow while the flow is read. */
  readonly faults: Fault[];
  readonly uses: Use[];
}

/** A value of the text with its path. Readers record faults in `reading` and go on, so that people get all faults at once. */
export class Place {
  readonly value: unknown;
  readonly path: Path;
  readonly reading: Reading;

  constructor(value: unknown, path: Path, reading: Reading) {
    this.value = value;
    this.path = path;
    this.reading = reading;
  }

  get name(): string {
    return this.path.length === 0 ? "The flow" : this.path.join(".");
  }

  get key(): string {
    return this.path.at(-1) ?? "";
  }

  fault(message: string): undefined {
    this.reading.faults.push({ path: this.path, message });
  }

  keyFault(message: string): undefined {
    this.reading.faults.push({ path: this.path, message, isKey: true });
  }

  /** @param rule completes `use …` */
  wrong(rule: string): undefined {
    if (this.value === null) return this.fault(`${this.name} has no value: use ${rule}, or remove it.`);
    return this.fault(`${this.name} is ${shown(this.value)}: use ${rule}.`);
  }

  /** Returns the member of an object; undefined if it has none of this name. */
  member(key: string): Place | undefined {
    const { value } = this;
    if (!isRecord(value) || !Object.hasOwn(value, key) || value[key] === undefined) return undefined;
    return this.at(key, value[key]);
  }

  at(key: string, value: unknown): Place {
    return new Place(value, [...this.path, key], this.reading);
  }

  /** Returns the members of an object or a list. */
  all(): readonly Place[] {
    const { value } = this;
    if (typeof value !== "object" || value === null) return [];
    return Object.entries(value).map(([key, member]) => this.at(key, member));
  }
}
