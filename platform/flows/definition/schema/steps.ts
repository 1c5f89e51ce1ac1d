import { RETRY_NUMBERS } from "../../../events/retry-policy.ts";
import { METHODS } from "../../../events/spec-check.ts";
import { APPROVER } from "../reading/approve.ts";
import { KEYS } from "../reading/keys.ts";
import {
  ANY,
  described,
  type EditorSchema,
  either,
  members,
  oneOf,
  oneOrMore,
  ref,
  TEXT,
  whole,
} from "./parts.ts";

const FN: EditorSchema = described(
  "Calls a function. NAME takes the version that has traffic when the run begins; NAME@3 always that one.",
  either(
    ref("functionName"),
    members(
      {
        name: described("NAME or NAME@VERSION.", ref("functionName")),
        method: described("POST by default.", oneOf(...METHODS)),
        path: described("Starts with /, and may hold ${ }. / by default.", TEXT),
        headers: described("Header fields, which may hold ${ }.", ref("texts")),
      },
      ["name"],
    ),
  ),
);

const HTTP: EditorSchema = described(
  "Sends a request to another server: GET, or POST if the step has with.",
  either(
    TEXT,
    members(
      {
        url: described("An http or https URL, which may hold ${ }.", TEXT),
        method: oneOf(...METHODS),
        headers: described("Header fields, which may hold ${ }.", ref("texts")),
      },
      ["url"],
    ),
  ),
);

const PUBLISH: EditorSchema = described(
  "Publishes an event, whose data is with.",
  either(
    ref("name"),
    members(
      {
        topic: ref("name"),
        type: described("dev.skiff.flow by default.", TEXT),
        attributes: described("Attributes of the event, such as subject.", ref("texts")),
      },
      ["topic"],
    ),
  ),
);

const EXEC: EditorSchema = described(
  "Runs a command, whose standard input is with.",
  members(
    {
      image: described("host by default, or an image such as alpine:3.", TEXT),
      cmd: described("The program, then its arguments, which may hold ${ }.", {
        type: "array",
        items: ref("scalar"),
        minItems: 1,
      }),
      env: described("Variables of the environment.", ref("texts")),
    },
    ["cmd"],
  ),
);

const WAIT: EditorSchema = described(
  "Waits for a time such as 10s, until a time, or for an event.",
  either(
    ref("duration"),
    members({ for: ref("duration") }, ["for"]),
    members({ until: described("A timestamp, or a time in ISO 8601.", ref("expression")) }, ["until"]),
    members(
      {
        event: described("The topic.", ref("name")),
        type: described("Type that the event must have.", TEXT),
        by: described("Of the event, such as event.data.order.", ref("expression")),
        equals: described(
          "Of the run, such as input.id: the event for which both are equal ends the wait.",
          ref("expression"),
        ),
        timeout: described("24h by default.", ref("duration")),
      },
      ["event", "by", "equals"],
    ),
  ),
);

const RETRY: EditorSchema = described(
  "When an attempt that failed is made again: 5xx, 408, 425, 429 and broken connections by default.",
  members({
    attempts: described(
      "Most attempts, the first included; 5 by default.",
      whole(RETRY_NUMBERS.attempts.least, RETRY_NUMBERS.attempts.most),
    ),
    backoff: described(
      "Longest wait after the first attempt, which doubles with each one; 1s by default.",
      ref("duration"),
    ),
    maxAge: described("Age of the step at which no further attempt starts; 6h by default.", ref("duration")),
    on: described("Statuses such as 429, 4xx, 5xx, connection.", oneOrMore(ref("outcome"))),
  }),
);

const CATCH: EditorSchema = described(
  "Rules for errors: the first that matches decides. Without one the run fails.",
  oneOrMore({
    ...members({
      on: described(
        "Types such as timeout, statuses such as 404, 4xx, 5xx. Without it any error.",
        oneOrMore(ref("outcome")),
      ),
      then: described("A step that runs only so. It reads steps.NAME.error.", ref("stepName")),
      output: described("Takes the place of the output. error is a variable.", ANY),
    }),
    oneOf: [{ required: ["then"] }, { required: ["output"] }],
  }),
);

const QUESTION: EditorSchema = { type: "string", pattern: "\\S" };

const ACTIONS: Readonly<Record<(typeof KEYS.action)[number], EditorSchema>> = {
  fn: FN,
  http: HTTP,
  publish: PUBLISH,
  exec: EXEC,
  flow: described("Runs another flow, whose input is with.", ref("name")),
  wait: WAIT,
  approve: described(
    "Waits for a person, who is asked this. It may hold ${ }.",
    either(
      QUESTION,
      members(
        {
          message: QUESTION,
          by: described(
            'Who may decide, such as "oidc ann@example.com" or "key NAME".',
            oneOrMore({ type: "string", pattern: APPROVER.source }),
          ),
        },
        ["message"],
      ),
    ),
  ),
};

const OPTIONS: Readonly<Record<(typeof KEYS.options)[number], EditorSchema>> = {
  needs: described("Steps that must have ended.", oneOrMore(ref("stepName"))),
  if: described("The step is skipped if this is false.", ref("condition")),
  else: described("A step with if: this one runs when that one was skipped by it.", ref("stepName")),
  each: described(
    "A list. The step runs once for each item, which is item, at index. The output is the list of outputs.",
    either(ref("expression"), { type: "array" }),
  ),
  concurrency: described("Items of each at a time; 10 by default.", whole(1, 1_000)),
  while: described(
    "The step runs again while this is true: iteration counts from 0, last is the last output or null.",
    ref("condition"),
  ),
  max: described("Most iterations of while.", whole(1)),
  with: described("What the action gets. By default the outputs of needs, or the input of the run.", ANY),
  retry: RETRY,
  timeout: described("Longest time of an attempt, or of a wait.", ref("duration")),
  catch: CATCH,
  output: described("Made of the raw output, which is output.", ANY),
};

/** A step: exactly one action, and its options. */
export const STEP: EditorSchema = {
  ...members({ ...ACTIONS, ...OPTIONS }),
  oneOf: KEYS.action.map((action) => ({ required: [action] })),
  dependentRequired: { while: ["max"], max: ["while"], concurrency: ["each"] },
};
