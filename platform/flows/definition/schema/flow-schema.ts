import { METHODS } from "../../../events/spec-check.ts";
import { ANY, described, type EditorSchema, either, members, oneOf, oneOrMore, ref, TEXT } from "./parts.ts";
import { STEP } from "./steps.ts";

const HTTP_TRIGGER: EditorSchema = described(
  "Requests to /flow/NAME/http begin runs.",
  either(
    { const: true },
    ref("path"),
    members({
      path: described("Below /flow/NAME/http, such as /orders; / by default.", ref("path")),
      methods: described("POST by default.", oneOrMore(oneOf(...METHODS))),
      access: described("key by default: requests need a key of the API.", oneOf("public", "key")),
      respond: described(
        "The step whose output is the answer. Without it the answer is 202.",
        ref("stepName"),
      ),
      wait: described(
        "After this time the answer is 202 all the same; 30s by default, 5m at most.",
        ref("duration"),
      ),
    }),
  ),
);

const TOPIC_TRIGGER: EditorSchema = described(
  "Each event of a topic begins a run, whose input is the data of the event.",
  oneOrMore(
    either(
      ref("name"),
      members(
        {
          topic: ref("name"),
          filter: described("Only events that match, such as {exact: {type: order.created}}.", ref("filter")),
          from: described("latest (default), earliest or a time in ISO 8601.", TEXT),
        },
        ["topic"],
      ),
    ),
  ),
);

const CRON_TRIGGER: EditorSchema = described(
  "Runs begin by the clock.",
  oneOrMore(
    either(
      TEXT,
      members(
        {
          cron: described('Such as "0 3 * * *", @hourly or "@every 90s".', TEXT),
          timeZone: described("Such as Europe/Berlin; UTC by default.", TEXT),
          overlap: described(
            "When the last run has not ended; skip by default.",
            oneOf("skip", "queue", "allow"),
          ),
          missed: described("What happens to times at which Skiff was off.", oneOf("skip", "once", "all")),
          jitter: described("Each run begins up to this later.", ref("duration")),
          input: described("Input of the runs; {} by default.", ANY),
        },
        ["cron"],
      ),
    ),
  ),
);

const VALUES: EditorSchema = { type: "object", additionalProperties: TEXT, minProperties: 1 };

const DEFS: Readonly<Record<string, EditorSchema>> = {
  steps: {
    type: "object",
    propertyNames: { pattern: "^[a-z][a-z0-9_]{0,62}$", not: { enum: ["in", "true", "false", "null"] } },
    additionalProperties: ref("step"),
  },
  step: STEP,
  name: { type: "string", pattern: "^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$" },
  functionName: { type: "string", pattern: "^[a-z]([-a-z0-9]{0,50}[a-z0-9])?(@\\d{1,9})?$" },
  stepName: TEXT,
  path: { type: "string", pattern: "^/" },
  duration: { type: "string", pattern: "^\\d{1,12}(\\.\\d{1,3})?(ms|s|m|h|d)?$" },
  expression: described("An expression of CEL.", { type: ["string", "number", "boolean"] }),
  condition: described("An expression of CEL that is true or false.", { type: ["string", "boolean"] }),
  scalar: { type: ["string", "number", "boolean"] },
  texts: { type: "object", additionalProperties: ref("scalar") },
  outcome: { type: ["string", "integer"] },
  filter: {
    ...members({
      exact: VALUES,
      prefix: VALUES,
      suffix: VALUES,
      all: { type: "array", items: ref("filter"), minItems: 1 },
      any: { type: "array", items: ref("filter"), minItems: 1 },
      not: ref("filter"),
    }),
    minProperties: 1,
  },
};

/** Returns the JSON Schema (draft 2020-12) of the text of a flow, for editors. `parseFlow` knows more. */
export function flowSchema(): EditorSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Flow of Skiff",
    ...members(
      {
        flow: described("The name under which the flow is stored. It may be left out.", ref("name")),
        description: described("For people.", { type: "string", maxLength: 2_000 }),
        on: described(
          "What begins runs, besides POST /flow/NAME/run.",
          members({ http: HTTP_TRIGGER, topic: TOPIC_TRIGGER, cron: CRON_TRIGGER }),
        ),
        input: described("JSON Schema (draft 2020-12) of the input.", { type: ["object", "boolean"] }),
        timeout: described("Longest time of a run; 30d by default.", ref("duration")),
        steps: described("What the flow does. Steps without needs start with the run.", {
          ...ref("steps"),
          minProperties: 1,
        }),
        finally: described(
          "Steps that run when the others have ended, with run.state and run.error.",
          ref("steps"),
        ),
        output: described(
          "Result of a run. By default the outputs of the steps that no other one needs.",
          ANY,
        ),
      },
      ["steps"],
    ),
    $defs: DEFS,
  };
}
