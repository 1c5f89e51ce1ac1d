import { checkFunctionName } from "../../../platform/function-name.ts";
import type { FunctionDescription, Traffic } from "../../../platform/platform.ts";
import { checkPrecondition } from "../../../platform/precondition.ts";
import { Problem, unknownFunction } from "../../../platform/problems.ts";
import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import { checkTraffic, MOST_WEIGHT } from "../../../platform/traffic.ts";
import { readGuard, readSticky } from "../../deploys/route-rules.ts";
import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import type { Call, Handler, Services } from "../services.ts";
import { readObject } from "./read-object.ts";
import { readPrecondition } from "./read-options.ts";
import { reroute } from "./reroute.ts";

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
    for (const warning of warnings) print(`${name}: ${warning}`);
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
    return { version: Number(key), weight: checkNumber(key, weight) };
  });
  const traffic = shares.filter(({ weight }) => weight !== 0);
  if (shares.length > 0 && traffic.length === 0) throw noCalls(shares);
  return checkTraffic(traffic);
}

function checkNumber(version: string, weight: unknown): number {
  if (typeof weight === "number") return weight;
  const what = typeof weight === "string" ? "a text, not a number: write it without quotes" : "not a number";
  const text = String(JSON.stringify(weight)).slice(0, 40);
  const detail = `The weight of version ${version} is ${text}, which is ${what}. Use a whole number from 0 to ${MOST_WEIGHT}.`;
  throw new Problem("invalid_request", detail);
}

function noCalls(shares: Traffic): Problem {
  const versions = shares.map(({ version }) => version).join(", ");
  const have = shares.length === 1 ? `Version ${versions} has` : `Versions ${versions} have`;
  const detail = `${have} weight 0, so no version would take calls: give at least one version a weight from 1 to ${MOST_WEIGHT}.`;
  return new Problem("invalid_request", detail);
}
