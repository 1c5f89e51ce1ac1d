import { isRetryOutcome, MOST_RETRIED, RETRY_NUMBERS } from "../../../events/retry-policy.ts";
import { isFunctionName } from "../../../function-name.ts";
import { isRecord } from "../../../settings/invalid-setting.ts";
import type { Action, CatchRule, Step, StepRetry, Template } from "../definition.ts";
import { readAction } from "./action.ts";
import { KEYS, STEP_KEYS } from "./keys.ts";
import { stepNameOf } from "./names.ts";
import type { FlowLimits, Place } from "./place.ts";
import {
  conditionOf,
  durationOf,
  expressionOf,
  isObject,
  listed,
  manyOf,
  templateOf,
  wholeOf,
} from "./values.ts";
import { LONG } from "./wait.ts";

const DAY_MS = 86_400_000;
const CALL = { least: 1, most: DAY_MS, example: "30s" };
const DEFAULT_CONCURRENCY = 10;
const MOST_CONCURRENCY = 1_000;
const MOST_RULES = 50;
/** A type of an error, a status, or a class of statuses. */
const CAUGHT = /^[\w.:/-]{1,100}$/;
const CALLS: readonly Action["kind"][] = ["fn", "http", "exec"];
const BODILESS: readonly Action["kind"][] = ["wait", "event", "approve"];
/** Stands for an action with faults, so that the rest of the step is checked too. */
const FAULTY: Action = { kind: "fn", function: "faulty", method: "POST", path: "/", headers: {} };

/** Reads a step. What has faults is left out, so that the rest of the flow can be checked. */
export function readStep(place: Place): Step {
  if (!isRecord(place.value)) {
    const name = typeof place.value === "string" && isFunctionName(place.value) ? place.value : "hello";
    place.fault(`${place.name} is not a step: give it an action, such as ${place.key}: {fn: ${name}}.`);
  } else if (isObject(place, STEP_KEYS)) return readMembers(place);
  return { action: FAULTY, needs: [], concurrency: DEFAULT_CONCURRENCY, catch: [] };
}

function readMembers(place: Place): Step {
  const action = readAction(place);
  if (action !== undefined) checkMembers(place, action);
  const [retry, timeoutMs] = [retryOf(place.member("retry")), timeoutOf(place, action ?? FAULTY)];
  const [condition, otherwise] = [conditionOf(place.member("if")), stepNameOf(place.member("else"))];
  const [body, output] = [place.member("with"), place.member("output")];
  return {
    action: action ?? FAULTY,
    needs: manyOf(place.member("needs"), stepNameOf, place.reading.limits.flowSteps),
    ...(condition !== undefined && { if: condition }),
    ...(otherwise !== undefined && { else: otherwise }),
    ...loopOf(place),
    ...(body && { with: templateOf(body) }),
    ...(retry && { retry }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    catch: manyOf(place.member("catch"), readRule, MOST_RULES),
    ...(output && { output: templateOf(output) }),
  };
}

/** Members that have no effect on the action would be ignored without a word. */
function checkMembers(step: Place, { kind, ...action }: Action): void {
  const name = KEYS.action.find((key) => step.member(key) !== undefined)!;
  if (!CALLS.includes(kind)) {
    step
      .member("retry")
      ?.keyFault(`${step.name}.retry has no effect on ${name}: only ${listed(CALLS)} are retried.`);
  }
  if (BODILESS.includes(kind)) {
    step
      .member("with")
      ?.keyFault(`${step.name}.with has no effect on ${name}, which sends nothing: remove it.`);
  }
  const hasNoTime = kind === "publish" || "forMs" in action;
  if (hasNoTime)
    step.member("timeout")?.keyFault(`${step.name}.timeout has no effect on ${name}: remove it.`);
}

function timeoutOf(step: Place, { kind }: Action): number | undefined {
  const [own, ofWait] = [step.member("timeout"), step.member("wait")?.member("timeout")];
  if (own && ofWait) ofWait.keyFault(`${step.name} has two timeouts: remove ${ofWait.name}.`);
  return durationOf(own ?? ofWait, CALLS.includes(kind) ? CALL : LONG);
}

type Loop = Pick<Step, "each" | "concurrency" | "while" | "max">;

function loopOf(step: Place): Loop {
  const most = step.reading.limits.flowItems;
  const [each, condition, max] = [step.member("each"), step.member("while"), step.member("max")];
  const together = step.member("concurrency");
  const concurrency = wholeOf(together, { least: 1, most: MOST_CONCURRENCY }) ?? DEFAULT_CONCURRENCY;
  if (each && condition) condition.keyFault(`${step.name} has both each and while: keep one.`);
  if (together && !each) together.keyFault(`${together.name} is for each: add each, or remove it.`);
  if (max && !condition) max.keyFault(`${max.name} is for while: add while, or remove it.`);
  if (condition && !max) {
    condition.keyFault(`${step.name} may never end: add max, the most iterations, such as max: 100.`);
  }
  const [items, holds, iterations] = [
    itemsOf(each, step.reading.limits),
    conditionOf(condition),
    wholeOf(max, { least: 1, most }),
  ];
  return {
    ...(items !== undefined && { each: items }),
    concurrency,
    ...(holds !== undefined && { while: holds }),
    ...(iterations !== undefined && { max: iterations }),
  };
}

function itemsOf(place: Place | undefined, { flowItems }: Pick<FlowLimits, "flowItems">): Step["each"] {
  if (!Array.isArray(place?.value))
    return expressionOf(place, "a list, or an expression that is one, such as input.rows");
  const { value } = place;
  if (value.length <= flowItems) return templateOf(place) as readonly Template[];
  return place.fault(`${place.name} has ${value.length} items: use at most ${flowItems} (SKIFF_FLOW_ITEMS).`);
}

function retryOf(place: Place | undefined): StepRetry | undefined {
  if (place === undefined || !isObject(place, KEYS.retry)) return undefined;
  const { attempts, backoffMs, maxAgeMs } = RETRY_NUMBERS;
  const [most, backoff, maxAge] = [
    wholeOf(place.member("attempts"), attempts),
    durationOf(place.member("backoff"), { ...backoffMs, example: "1s" }),
    durationOf(place.member("maxAge"), { ...maxAgeMs, example: "6h" }),
  ];
  const on = manyOf(place.member("on"), outcomeOf, MOST_RETRIED);
  return {
    ...(most !== undefined && { attempts: most }),
    ...(backoff !== undefined && { backoffMs: backoff }),
    ...(maxAge !== undefined && { maxAgeMs: maxAge }),
    ...(on.length > 0 && { on }),
  };
}

function outcomeOf(place: Place): string | undefined {
  const text = typeof place.value === "number" ? String(place.value) : place.value;
  return typeof text === "string" && isRetryOutcome(text)
    ? text
    : place.wrong("a status from 400 to 599, 4xx, 5xx, or connection, which stands for timeouts too");
}

function readRule(place: Place): CatchRule | undefined {
  if (!isObject(place, KEYS.catch)) return undefined;
  const [then, output] = [place.member("then"), place.member("output")];
  if (!then === !output) {
    return place.fault(
      `${place.name} has ${then ? "both" : "neither"} then and output: name the step that follows, or the output.`,
    );
  }
  const on = manyOf(place.member("on"), caughtOf, MOST_RULES);
  if (output) return { on, output: templateOf(output) };
  const step = stepNameOf(then);
  return step === undefined ? undefined : { on, then: step };
}

function caughtOf(place: Place): string | undefined {
  const text = typeof place.value === "number" ? String(place.value) : place.value;
  if (typeof text === "string" && CAUGHT.test(text)) return text;
  return place.wrong("the type of an error such as timeout, a status such as 404, 4xx or 5xx");
}
