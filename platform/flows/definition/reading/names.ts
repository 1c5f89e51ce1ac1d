import { isDeclarationName } from "../../../declarations.ts";
import { isFunctionName } from "../../../function-name.ts";
import { shown } from "../../../settings/invalid-setting.ts";
import type { Place } from "./place.ts";
import { textOf } from "./values.ts";

const STEP_NAME = /^[a-z][a-z0-9_]{0,62}$/;
/** steps.NAME is not an expression with these. */
const WORDS = ["in", "true", "false", "null"];
const DECLARATION_RULE =
  '1 to 63 characters of a-z, 0-9 and "-", starting with a letter and not ending with "-"';

/** Checks the key of a step. */
export function checkStepName(place: Place): void {
  const { key } = place;
  if (WORDS.includes(key)) {
    place.keyFault(`${key} is a word of expressions, so that none could name the step: use another name.`);
    return;
  }
  if (STEP_NAME.test(key)) return;
  const close = key
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replace(/^[^a-z]+/, "")
    .slice(0, 63);
  const hint = STEP_NAME.test(close) ? `, such as ${close}` : "";
  place.keyFault(
    `${shown(key)} is not a valid name of a step: use 1 to 63 characters of a-z, 0-9 and "_", starting with a letter${hint}. Expressions name it as steps.NAME.`,
  );
}

/** Reads the name of a step that another member names. Whether it exists is checked later. */
export function stepNameOf(place: Place | undefined): string | undefined {
  return textOf(place, /^[\s\S]{1,200}$/, "the name of a step");
}

/** @param what such as `topic` */
export function declarationNameOf(place: Place | undefined, what: string): string | undefined {
  if (place === undefined) return undefined;
  const { value } = place;
  if (typeof value === "string" && isDeclarationName(value)) return value;
  return place.wrong(`the name of a ${what}: ${DECLARATION_RULE}`);
}

export interface FunctionName {
  readonly function: string;
  readonly version?: number;
}

/** Reads `NAME` or `NAME@VERSION`. */
export function functionNameOf(place: Place): FunctionName | undefined {
  const { value } = place;
  const [, name = "", version] =
    typeof value === "string" ? (/^([^@]*)(?:@(\d{1,9}))?$/.exec(value) ?? []) : [];
  const number = version === undefined ? undefined : Number(version);
  if (isFunctionName(name) && number !== 0) {
    return { function: name, ...(number !== undefined && { version: number }) };
  }
  return place.wrong("the name of a function such as charge, or one of its versions such as charge@3");
}
