/** JSON Schema, draft 2020-12. Load this file with `import()`: its library is needed by few requests. */
import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";

/** What is wrong with a value. */
export interface ValueFault {
  /** JSON pointer to it; empty for the whole value. */
  readonly pointer: string;
  /** Such as `must be number`. */
  readonly message: string;
}

/** Returns what is wrong with a value, at most 20 faults. */
export type ValueCheck = (value: unknown) => readonly ValueFault[];

export type Schema = Readonly<Record<string, unknown>> | boolean;

const MOST_FAULTS = 20;

/** Makes the check of a schema, or says why there can be none. Unknown keywords are faults; `format` says nothing. */
export function compileSchema(schema: Schema): { readonly check: ValueCheck } | { readonly fault: string } {
  // Each schema has an instance of its own, so that equal values of $id do not meet, and nothing is kept.
  const ajv = new Ajv2020({
    ...{ allErrors: true, validateFormats: false, logger: false },
    ...{ strictSchema: true, strictTypes: false, strictTuples: false, strictRequired: false },
  });
  try {
    const validate = ajv.compile(schema);
    return {
      check: (value) => (validate(value) ? [] : (validate.errors ?? []).slice(0, MOST_FAULTS).map(faultOf)),
    };
  } catch (error) {
    return { fault: (error as Error).message.replace(/^strict mode: /, "") };
  }
}

/** Returns why a schema cannot be used; undefined for one that can. */
export function schemaFault(schema: Schema): string | undefined {
  const compiled = compileSchema(schema);
  return "fault" in compiled ? compiled.fault : undefined;
}

/** Names what a message of the library leaves out. */
function faultOf({
  instancePath: pointer,
  keyword,
  message = "is not valid",
  params,
}: ErrorObject): ValueFault {
  const more = {
    additionalProperties: params.additionalProperty,
    unevaluatedProperties: params.unevaluatedProperty,
    enum: params.allowedValues,
    const: params.allowedValue,
  }[keyword as "enum"] as unknown;
  return { pointer, message: more === undefined ? message : `${message}: ${JSON.stringify(more)}` };
}
