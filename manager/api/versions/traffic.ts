import { checkFunctionName } from "../../../platform/function-name.ts";
import type { FunctionDescription, Guard, Sticky, Traffic } from "../../../platform/platform.ts";
import { checkPrecondition } from "../../../platform/precondition.ts";
import { Problem, unknownFunction } from "../../../platform/problems.ts";
import { checkTraffic } from "../../../platform/traffic.ts";
import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import type { Call, Handler, Services } from "../services.ts";
import { isRecord, readObject, refuseOthers } from "./read-object.ts";
import { readPrecondition } from "./read-options.ts";
import { reroute } from "./reroute.ts";

/** Most calls that a guard compares. */
export const GUARD_CALLS = 1_000_000;
const DEFAULT_GUARD_CALLS = 100;
const NAME_LENGTH = 200;
/** A token (RFC 9110, section 5.6.2), as the names of fields and cookies are. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** `GET /func/NAME/traffic`: the weights of the versions that take calls, and the rules beside them. */
export function describeTraffic({ platform }: Services): Handler {
  return async (ctx) => {
    readParameters(ctx, {});
    const name = checkFunctionName(ctx.params.name);
    const description = await platform.describe(name);
    if (description === undefined) throw unknownFunction(name);
    answerTraffic(ctx, description);
  };
}

/** `PUT /func/NAME/traffic`: answers when every router obeys it. */
export function changeTraffic(services: Services): Handler {
  const { platform, print } = services;
  return async (ctx) => {
    readParameters(ctx, {});
    const name = checkFunctionName(ctx.params.name);
    const expected = readPrecondition(ctx);
    const { weights, sticky, guard } = await readObject(ctx, ["weights", "sticky", "guard"]);
    const traffic = readWeights(weights);
    const rules = { sticky: readSticky(sticky), guard: readGuard(guard) };
    const before = await platform.describe(name);
    if (before === undefined) throw unknownFunction(name);
    checkPrecondition(name, expected, before.version);
    const warnings = await reroute(ctx, services, { name, traffic, rules: { ...rules, expected } });
    const shown = traffic.map(({ version, weight }) => `${version}:${weight}`).join(" ");
    print(`traffic of ${name}: ${shown}`);
    ctx.state.audited = { target: name, detail: shown };
    const after = await platform.describe(name);
    if (after === undefined) throw unknownFunction(name);
    answerTraffic(ctx, after, warnings);
  };
}

function answerTraffic(ctx: Call, description: FunctionDescription, warnings?: readonly string[]): void {
  const { version, traffic, sticky, guard, previous } = description;
  const weights = Object.fromEntries(traffic.map((share) => [share.version, share.weight]));
  ctx.set("etag", `"${version}"`);
  answerJson(ctx, { weights, sticky, guard, previous, warnings });
}

/** @throws Problem `invalid_request` */
function readWeights(value: unknown): Traffic {
  if (!isRecord(value)) {
    throw new Problem(
      "invalid_request",
      'The body needs weights by version, such as {"weights": {"3": 90, "4": 10}}.',
    );
  }
  const shares = Object.entries(value).map(([key, weight]) => {
    if (!/^[1-9]\d{0,14}$/.test(key)) {
      throw new Problem(
        "invalid_request",
        `weights names "${key.slice(0, 40)}", which is not the number of a version.`,
      );
    }
    return { version: Number(key), weight: weight as number };
  });
  return checkTraffic(shares.filter(({ weight }) => weight !== 0));
}

function readSticky(value: unknown): Sticky | undefined {
  if (value === undefined || value === null) return undefined;
  const refuse = (why: string) =>
    new Problem("invalid_request", `sticky ${why}: use {"cookie": NAME} or {"header": NAME}.`);
  if (!isRecord(value)) throw refuse("is not an object");
  refuseOthers(value, ["cookie", "header"], "sticky");
  const [[kind, name] = [], another] = Object.entries(value);
  if (kind === undefined || another !== undefined) throw refuse("must name either a cookie or a header");
  if (typeof name !== "string" || name.length > NAME_LENGTH || !TOKEN.test(name)) {
    throw refuse(`has an invalid name of a ${kind}, which has 1 to ${NAME_LENGTH} letters, digits or signs`);
  }
  return kind === "cookie" ? { cookie: name } : { header: name.toLowerCase() };
}

function readGuard(value: unknown): Guard | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isRecord(value)) throw new Problem("invalid_request", "guard is not an object.");
  refuseOthers(value, ["errorRate", "slowdown", "calls"], "guard");
  const { errorRate, slowdown, calls = DEFAULT_GUARD_CALLS } = value;
  const inRange = (member: unknown, least: number, most: number): member is number =>
    typeof member === "number" && member >= least && member <= most;
  if (errorRate === undefined && slowdown === undefined) {
    throw new Problem("invalid_request", "guard compares nothing: give errorRate, slowdown or both.");
  }
  if (errorRate !== undefined && !inRange(errorRate, 0, 1)) {
    throw new Problem("invalid_request", "guard.errorRate must be a number from 0 to 1, such as 0.05.");
  }
  if (slowdown !== undefined && !inRange(slowdown, 1, 1_000)) {
    throw new Problem("invalid_request", "guard.slowdown must be a number from 1 to 1000, such as 2.");
  }
  if (!inRange(calls, 1, GUARD_CALLS) || !Number.isInteger(calls)) {
    throw new Problem("invalid_request", `guard.calls must be a whole number from 1 to ${GUARD_CALLS}.`);
  }
  return {
    ...(errorRate === undefined ? {} : { errorRate }),
    ...(slowdown === undefined ? {} : { slowdown }),
    calls,
  };
}
