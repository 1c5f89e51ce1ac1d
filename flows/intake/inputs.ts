import type { IncomingMessage } from "node:http";
import { readBody } from "../../calling/requests/read-body.ts";
import type { RequestIdentity } from "../../calling/requests/request-identity.ts";
import type { Uploads } from "../../calling/requests/uploads.ts";
import { loadBody } from "../../calling/stored-bodies.ts";
import type { KeptValue } from "../../platform/flows/run/entry.ts";
import { isTooDeep, TOO_DEEP } from "../../platform/flows/run/values/depth.ts";
import type { Limits } from "../../platform/limits.ts";
import { Problem } from "../../platform/problems.ts";
import { formatBytes } from "../../platform/quantity.ts";
import type { Bodies, StoredBody } from "../../store/bodies.ts";
import type { Flow } from "../engine/flow-table.ts";
import type { InputChecks } from "../engine/input-checks.ts";
import type { Values } from "../engine/values.ts";
import { parseInput } from "./json-input.ts";

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

/** A body without a type, or with the one of `curl -d`, is taken for JSON. With the latter it may be a text as well. */
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
      if ("json" in value && isTooDeep(value.json)) throw tooDeep(flow.name);
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
      const text = Buffer.from(await loadBody(bodies, body)).toString();
      const read = parseInput(text);
      if ("json" in read) {
        const { json } = read;
        const sentAs = typeof json === "string" ? { sentAs: "application/json" } : {};
        const kept = "inline" in body ? { json } : { body: body.id, bytes, type: "application/json" };
        return { kept: { ...kept, ...sentAs }, json };
      }
      if (!isForm || /^\s*[{[]/.test(text)) throw notJson(read.fault);
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

function tooDeep(flow: string): Problem {
  const advice =
    "make it flatter, or send it with another type than JSON, as a body that steps hand on whole";
  return new Problem("invalid_input", `The input of the flow "${flow}" is ${TOO_DEEP}: ${advice}.`);
}

function notJson(fault: string): Problem {
  const advice = "Send valid JSON, or a text with Content-Type text/plain";
  return new Problem("invalid_request", `The body is not valid JSON: ${fault}. ${advice}.`);
}
