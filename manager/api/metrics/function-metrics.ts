import { checkFunctionName } from "../../../platform/function-name.ts";
import { Problem, unknownFunction } from "../../../platform/problems.ts";
import { parseDurationMs } from "../../../platform/quantity.ts";
import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import { readTime } from "../read-time.ts";
import type { Handler, Services } from "../services.ts";
import { requireStore } from "../store.ts";
import { pointsOf, versionsOf } from "./points.ts";

const MINUTE_MS = 60_000;
const USUAL_MS = 2 * 60 * MINUTE_MS;
/** Above a day, minute by minute. */
const MOST_POINTS = 1_500;

/** `GET /func/NAME/metrics?since=2h&until=&step=1m`: what happened to a function, step by step. */
export function readFunctionMetrics(services: Services): Handler {
  const { platform, keys } = services;
  const time = (text: string | undefined, name: string) => readTime(text, name, keys.now());
  return async (ctx) => {
    const name = checkFunctionName(ctx.params.name);
    const asked = readParameters(ctx, { since: time, until: time, step: wholeMinutes });
    const { usage } = requireStore(services);
    if ((await platform.find(name)) === undefined) throw unknownFunction(name);
    const { step: stepMs } = asked;
    const untilMs = Math.ceil((asked.until?.getTime() ?? keys.now()) / stepMs) * stepMs;
    const sinceMs = Math.floor((asked.since?.getTime() ?? untilMs - USUAL_MS) / stepMs) * stepMs;
    checkRange(sinceMs, untilMs, stepMs);
    const range = { since: new Date(sinceMs), until: new Date(untilMs), stepMs };
    const query = { functions: [name], ...range };
    const [steps, samples] = await Promise.all([usage.series(query), usage.samples(query)]);
    answerJson(ctx, {
      stepS: stepMs / 1_000,
      from: range.since,
      points: pointsOf(steps, samples, range),
      versions: versionsOf(steps),
    });
  };
}

function wholeMinutes(text: string | undefined, name: string): number {
  if (text === undefined) return MINUTE_MS;
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms >= MINUTE_MS && ms % MINUTE_MS === 0) return ms;
  const detail = `${name}=${text.slice(0, 40)} is not valid: use whole minutes, such as 1m, 5m or 1h.`;
  throw new Problem("invalid_request", detail);
}

function checkRange(sinceMs: number, untilMs: number, stepMs: number): void {
  const points = (untilMs - sinceMs) / stepMs;
  if (points <= 0) {
    throw new Problem("invalid_request", "until is not after since: ask for a time that is not empty.");
  }
  if (points <= MOST_POINTS) return;
  const detail = `The answer would have ${points} points, at most ${MOST_POINTS}: ask for a shorter time, or a longer step.`;
  throw new Problem("invalid_request", detail);
}
