import type { IncomingMessage } from "node:http";
import { readBody } from "../../calling/requests/read-body.ts";
import type { RequestIdentity } from "../../calling/requests/request-identity.ts";
import type { Uploads } from "../../calling/requests/uploads.ts";
import { loadBody } from "../../calling/stored-bodies.ts";
import type { KeptValue } from "../../platform/flows/run/entry.ts";
import type { Limits } from "../../platform/limits.ts";
import { Problem } from "../../platform/problems.ts";
import { formatBytes } from "../../platform/quantity.ts";
import type { Bodies, StoredBody } from "../../store/bodies.ts";
import type { Flow } from "../engine/flow-table.ts";
import type { InputChecks } from "../engine/input-checks.ts";
import type { Values } from "../engine/values.ts";

export interface InputsOptions {
  readonly bodies: Bodies;
  readonly uploads: Uploads;
  readonly limits: Limits;
  readonly values: Values;
  readonly inputChecks: InputChecks;
}

/** The input of a run, which fits its flow. */
export interface Input {
  readonly value: KeptValue;
}

/** A body without a type, or with the one of `curl -d`, is taken for JSON. */
const FORM = /^application\/x-www-form-urlencoded\s*(;|$)/i;
const JSON_TYPE = /^application\/(?:[^;]+\+)?json\s*(;|$)/i;

/** Reads the inputs of runs, and checks them by the schemas of their flows. */
export class Inputs {
  readonly #options: InputsOptions;

  constructor(options: InputsOptions) {
    this.#options = options;
  }

  /**
   * Without a body the input is `{}`.
   * @throws Problem `invalid_input`, `invalid_request` for JSON that does not parse, those of `readBody`
   */
  async read(request: IncomingMessage, flow: Flow, identity: RequestIdentity | undefined): Promise<Input> {
    const { uploads, limits, bodies } = this.#options;
    const body = await readBody(request, { bodies: uploads, limits, hash: identity?.body });
    try {
      const value = await this.#valueOf(body, request.headers["content-type"]);
      await this.#check(flow, value);
      return { value: value.kept };
    } catch (error) {
      await bodies.remove(body);
      throw error;
    }
  }

  async #valueOf(body: StoredBody, type: string | undefined): Promise<Value> {
    const { values, limits, bodies } = this.#options;
    if ("inline" in body && body.inline.length === 0) return { kept: { json: {} }, json: {} };
    const isTold = type !== undefined && JSON_TYPE.test(type);
    const isForm = type !== undefined && FORM.test(type);
    const bytes = "inline" in body ? body.inline.length : body.bytes;
    if ((type === undefined || isForm || isTold) && bytes <= limits.flowOutputBytes) {
      const json = parsed(Buffer.from(await loadBody(bodies, body)).toString());
      if (json !== undefined) {
        const kept = "inline" in body ? { json } : { body: body.id, bytes, type: "application/json" };
        return { kept, json };
      }
      if (!isForm) throw notJson(type);
    }
    const kept = await values.keepBody(body, type);
    return "json" in kept
      ? { kept, json: kept.json }
      : { kept, type: `${kept.type} of ${formatBytes(kept.bytes)}` };
  }

  async #check(flow: Flow, value: Value): Promise<void> {
    const { inputChecks, limits } = this.#options;
    const { definition, name } = flow;
    if (definition.input === undefined || definition.input === true) return;
    if (!("json" in value)) {
      const most = `JSON of at most ${formatBytes(limits.flowOutputBytes)} (SKIFF_FLOW_OUTPUT)`;
      const detail = `The input of the flow "${name}" must be ${most}, and this is ${value.type}: send JSON.`;
      throw new Problem("invalid_input", detail);
    }
    const faults = await inputChecks.faults(flow, value.json);
    if (faults.length === 0) return;
    const list = faults.map(({ pointer, message }) => `${pointer || "the input"} ${message}`).join("; ");
    const detail = `The input does not fit the flow "${name}": ${list}. Send what the schema \`input\` of the flow describes.`;
    throw new Problem("invalid_input", detail, { faults });
  }
}

type Value = { readonly kept: KeptValue } & ({ readonly json: unknown } | { readonly type: string });

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function notJson(type = "without a type"): Problem {
  const advice = "send valid JSON, or name another type in content-type";
  return new Problem("invalid_request", `The body (${type}) is not valid JSON: ${advice}.`);
}
