import { closestWord } from "../../../process/closest-word.ts";
import { parseDurationMs, parseInstant } from "../../quantity.ts";
import type { Trigger } from "../run/entry.ts";
import type { StepError } from "../run/error.ts";
import { CASE_KEYS, RUN_STATES, STEP_STATES } from "./case-keys.ts";
import type { Expectation, FlowCase, Mock, StepExpectation } from "./cases.ts";

/** The start of cases that name none. */
const START_MS = Date.UTC(2026, 0, 1);

type Members = Readonly<Record<string, unknown>>;

export interface CaseFault {
  readonly path: readonly string[];
  readonly message: string;
  /** The key is wrong, not its value. */
  readonly isKey?: boolean;
}

/** Reads the value of a file of tests. Records all that is wrong. @param steps names of the flow's steps */
export class CaseReader {
  readonly faults: CaseFault[] = [];
  readonly #steps: readonly string[];

  constructor(steps: readonly string[]) {
    this.#steps = steps;
  }

  read(value: unknown): FlowCase[] {
    const file = this.#members(value, [], CASE_KEYS.file);
    const { cases } = file;
    if (!Array.isArray(cases) || cases.length === 0) {
      this.#fault(["cases"], "The file has no cases: write a list `cases` of {name, input, mocks, expect}.");
      return [];
    }
    return cases.map((each, index) => this.#case(each, ["cases", `${index}`], `case ${index + 1}`));
  }

  #case(value: unknown, path: string[], fallback: string): FlowCase {
    const found = this.#members(value, path, CASE_KEYS.case);
    const { trigger, start, cancelAfter } = found;
    return {
      name: typeof found.name === "string" ? found.name : fallback,
      input: found.input ?? {},
      startMs: start === undefined ? START_MS : this.#time(start, [...path, "start"]),
      mocks: this.#mocks(found.mocks, [...path, "mocks"]),
      expect: this.#expectation(found.expect, [...path, "expect"]),
      ...(trigger === undefined ? {} : { trigger: this.#trigger(trigger, [...path, "trigger"]) }),
      ...(cancelAfter === undefined
        ? {}
        : { cancelAfterMs: this.#duration(cancelAfter, [...path, "cancelAfter"]) }),
    };
  }

  #mocks(value: unknown, path: string[]): Record<string, readonly Mock[]> {
    return Object.fromEntries(
      this.#byStep(value, path).map(([step, mocks]) => {
        const list = Array.isArray(mocks) ? mocks : [mocks];
        if (list.length === 0)
          this.#fault([...path, step], "The list of mocks is empty: write {output} or {error}.");
        const paths = (index: number) =>
          Array.isArray(mocks) ? [...path, step, `${index}`] : [...path, step];
        return [step, list.map((mock, index) => this.#mock(mock, paths(index)))];
      }),
    );
  }

  #mock(value: unknown, path: string[]): Mock {
    const found = this.#members(value, path, CASE_KEYS.mock);
    if ("output" in found === "error" in found) this.#fault(path, "A mock has either `output` or `error`.");
    if (!("error" in found)) return { output: found.output };
    const error = this.#members(found.error, [...path, "error"], CASE_KEYS.mockError);
    if (error.type === undefined && error.status === undefined) {
      this.#fault(
        [...path, "error"],
        "An error has a `status`, such as 503, or a `type`, such as `timeout`.",
      );
    }
    return { error };
  }

  #expectation(value: unknown, path: string[]): Expectation {
    const found = this.#members(value ?? {}, path, CASE_KEYS.expect);
    if (Object.keys(found).length === 0)
      this.#fault(path, "The case expects nothing: write `expect: {state: done}`.");
    const { state, error } = found;
    return {
      steps: Object.fromEntries(
        this.#byStep(found.steps, [...path, "steps"]).map(([step, expected]) => [
          step,
          this.#step(expected, [...path, "steps", step]),
        ]),
      ),
      ...("output" in found ? { output: { value: found.output } } : {}),
      ...(state === undefined ? {} : { state: this.#word(state, [...path, "state"], RUN_STATES) }),
      ...(error === undefined ? {} : { error: this.#error(error, [...path, "error"]) }),
    };
  }

  #step(value: unknown, path: string[]): StepExpectation {
    if (typeof value === "string") return { state: this.#word(value, path, STEP_STATES) };
    const found = this.#members(value, path, CASE_KEYS.expectedStep);
    const { state, attempts, error } = found;
    if (attempts !== undefined && !Number.isInteger(attempts)) {
      this.#fault([...path, "attempts"], "`attempts` is a whole number.");
    }
    return {
      ...(state === undefined ? {} : { state: this.#word(state, [...path, "state"], STEP_STATES) }),
      ...("output" in found ? { output: { value: found.output } } : {}),
      ...("input" in found ? { input: { value: found.input } } : {}),
      ...(attempts === undefined ? {} : { attempts: attempts as number }),
      ...(error === undefined ? {} : { error: this.#error(error, [...path, "error"]) }),
    };
  }

  #error(value: unknown, path: string[]): Partial<StepError> & { step?: string } {
    if (typeof value === "string") return { type: value };
    return this.#members(value, path, CASE_KEYS.expectedError);
  }

  #trigger(value: unknown, path: string[]): Trigger {
    const kinds = ["api", "http", "topic", "cron", "flow"] as const;
    const found = this.#members(value, path, undefined);
    this.#word(found.kind, [...path, "kind"], kinds);
    return found as unknown as Trigger;
  }

  #byStep(value: unknown, path: string[]): [string, unknown][] {
    return Object.entries(this.#members(value ?? {}, path, undefined)).filter(([step]) => {
      if (this.#steps.includes(step)) return true;
      const closest = closestWord(step, this.#steps);
      const hint = closest === undefined ? "" : ` Did you mean \`${closest}\`?`;
      this.#keyFault([...path, step], `The flow has no step \`${step}\`.${hint}`);
      return false;
    });
  }

  /** @param known undefined: any key */
  #members(value: unknown, path: string[], known: readonly string[] | undefined): Members {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      this.#fault(path, `An object is needed here${known === undefined ? "" : ` with ${known.join(", ")}`}.`);
      return {};
    }
    for (const key of Object.keys(value)) {
      if (known === undefined || known.includes(key)) continue;
      const closest = closestWord(key, known);
      const hint = closest === undefined ? `Known: ${known.join(", ")}.` : `Did you mean \`${closest}\`?`;
      this.#keyFault([...path, key], `Unknown key \`${key}\`. ${hint}`);
    }
    return value as Members;
  }

  #word<W extends string>(value: unknown, path: string[], words: readonly W[]): W {
    const found = words.find((word) => word === value);
    if (found === undefined)
      this.#fault(path, `\`${path.at(-1)}\` is \`${String(value)}\`: use ${words.join(", ")}.`);
    return found ?? words[0]!;
  }

  #duration(value: unknown, path: string[]): number {
    const found = typeof value === "string" ? parseDurationMs(value) : undefined;
    if (found === undefined) this.#fault(path, "A duration such as `10s` or `3d` is needed here.");
    return found ?? 0;
  }

  #time(value: unknown, path: string[]): number {
    const found = typeof value === "string" ? parseInstant(value) : undefined;
    if (found === undefined) this.#fault(path, "A time such as `2026-12-24T18:00:00Z` is needed here.");
    return found?.getTime() ?? 0;
  }

  #keyFault(path: readonly string[], message: string): void {
    this.faults.push({ path, message, isKey: true });
  }

  #fault(path: readonly string[], message: string): void {
    this.faults.push({ path, message });
  }
}
