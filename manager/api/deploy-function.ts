import type { IncomingHttpHeaders } from "node:http";
import { parseHost } from "../../http/access/host.ts";
import { requireFunction } from "../../http/access/principal.ts";
import { readBody } from "../../http/body/read-body.ts";
import { ClientLeft, clientSignal } from "../../http/client-signal.ts";
import { refuseParameters } from "../../http/parameters/query.ts";
import { checkFunctionName } from "../../platform/function-name.ts";
import type { Source } from "../../platform/platform.ts";
import { Problem, toProblem } from "../../platform/problems.ts";
import { formatMs } from "../../platform/quantity.ts";
import type { SettingsPatch } from "../../platform/settings/settings.ts";
import type { Deployed, DeployOrder } from "../deploys/deploys.ts";
import { answerJson, onOneLine } from "./answer.ts";
import { explainLostLineEnds } from "./lost-line-ends.ts";
import { readDeploy } from "./read-deploy.ts";
import { readQuery } from "./read-query.ts";
import { baseUrl, type Call, type Handler, type Services } from "./services.ts";
import { OPTION_NAMES, readPrecondition, takeOptions } from "./versions/read-options.ts";

const PATCH_BYTES = 1024 ** 2;
const PATCH_TYPES = ["application/json", "application/merge-patch+json"];
/** Shorter waits for other deploys are not printed. */
const NOTABLE_WAIT_MS = 10;

/** `POST /func?name=NAME` and `PUT /func/NAME`: the body is the source or a form, the query has settings. */
export function deployFunction(services: Services): Handler {
  return (ctx) => answerDeploy(ctx, services, (onName) => readDeploy(ctx, services, onName));
}

/** `PATCH /func/NAME`: the body is a JSON merge patch (RFC 7396) of the settings. */
export function configureFunction(services: Services): Handler {
  return (ctx) =>
    answerDeploy(ctx, services, async (onName) => {
      onName(ctx.params.name);
      const name = checkFunctionName(ctx.params.name);
      const parameters = readQuery(ctx);
      const options = takeOptions(parameters, ctx.state.by as string);
      refuseParameters(parameters, OPTION_NAMES);
      return { name, ...options, patch: await readPatch(ctx) };
    });
}

/**
 * Reads the request. Its errors are printed like those of the deploy.
 * @param onName receives the name before it is checked: the terminal shows invalid names as well
 */
type ReadOrder = (
  onName: (name: string | undefined) => void,
) => Promise<Omit<DeployOrder, "reachedAt" | "expected" | "signal">>;

async function answerDeploy(ctx: Call, services: Services, read: ReadOrder): Promise<void> {
  const { deploys, print } = services;
  const signal = clientSignal(ctx.res);
  let name = "";
  let source: Source | undefined;
  let deployed: Deployed;
  try {
    const expected = readPrecondition(ctx);
    const order = await read((given = "") => {
      name = given;
      ctx.state.audited = { target: given };
      if (given !== "") requireFunction(ctx.state.principal, given);
    });
    requireFunction(ctx.state.principal, order.name);
    ctx.state.audited = { target: order.name };
    source = order.source;
    const { principal } = ctx.state;
    const reachedAt = hostsOf(ctx.req.headers);
    deployed = await deploys.deploy({ ...order, expected, principal, reachedAt, signal });
  } catch (error) {
    const explained = explainLostLineEnds(error, { contentType: ctx.req.headers["content-type"], source });
    print(notDeployedLine(name, explained));
    throw explained;
  }
  print(deployedLine(deployed));
  ctx.state.audited = {
    target: name,
    detail: `version ${deployed.version}${deployed.unchanged ? ", unchanged" : ""}`,
  };
  const { version, created, unchanged, share } = deployed;
  ctx.status = created ? 201 : 200;
  if (created) ctx.set("location", `/func/${name}`);
  // Without calls of its own the version has an address of its own.
  const url = `${baseUrl(services, ctx)}/fn/${name}${share === 0 ? `@${version}` : ""}`;
  answerJson(ctx, { name, version, url, created, unchanged });
}

/** Returns the hosts by which the client reached Skiff, also through proxies: no function may take them. */
export function hostsOf(headers: IncomingHttpHeaders): string[] {
  const forwarded = [headers.forwarded ?? ""].flatMap((text) =>
    [...text.matchAll(/\bhost="?([^\s";,]{1,300})/gi)].map(([, host]) => host!),
  );
  const named = [headers.host ?? "", ...[headers["x-forwarded-host"] ?? []].flat(), ...forwarded];
  return named.flatMap((text) => text.split(",")).flatMap((text) => parseHost(text.trim()) ?? []);
}

/** `deployed useragent version 2 in 41 ms (build 3 ms, start 36 ms)` */
export function deployedLine(deployed: Deployed): string {
  const { name, version, unchanged, share, waitedMs, buildMs, pullMs, startMs } = deployed;
  if (unchanged) return `unchanged ${name}: version ${version} has this source and these settings`;
  const parts = [
    ...(waitedMs >= NOTABLE_WAIT_MS ? [`waited ${formatMs(waitedMs)}`] : []),
    pullMs === undefined ? builtPart(buildMs) : `pull ${formatMs(pullMs)}`,
    `start ${formatMs(startMs)}`,
  ];
  const totalMs = waitedMs + (pullMs ?? 0) + (buildMs ?? 0) + startMs;
  const calls = share === 1 ? "" : `, with ${Math.round(100 * share)} % of the calls,`;
  return `deployed ${name} version ${version}${calls} in ${formatMs(totalMs)} (${parts.join(", ")})`;
}

function builtPart(buildMs: number | undefined): string {
  return buildMs === undefined ? "same bundle" : `build ${formatMs(buildMs)}`;
}

/** `not deployed: useragent: main.ts:3:7 …` on one line */
export function notDeployedLine(name: string, error: unknown): string {
  const reason = error instanceof ClientLeft ? error.message : toProblem(error).detail;
  return onOneLine(`not deployed: ${name}: ${reason}`);
}

async function readPatch(ctx: Call): Promise<SettingsPatch> {
  const type = /^[^;\s]*/.exec(ctx.req.headers["content-type"] ?? "")?.[0].toLowerCase();
  if (type === undefined || !PATCH_TYPES.includes(type)) {
    ctx.set("accept-patch", PATCH_TYPES.join(", "));
    const detail = `Send the settings as JSON with Content-Type ${PATCH_TYPES[0]}.`;
    throw new Problem("unsupported_media_type", detail);
  }
  const body = await readBody(ctx.req, {
    maxBytes: PATCH_BYTES,
    tooLarge: "body_too_large",
    advice: "send settings only, and code with PUT.",
  });
  let patch: unknown;
  try {
    patch = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw new Problem("invalid_request", `The body is not JSON: ${(error as Error).message.slice(0, 200)}.`);
  }
  if (typeof patch === "object" && patch !== null && !Array.isArray(patch)) return patch as SettingsPatch;
  throw new Problem("invalid_request", 'The body must be a JSON object of settings, such as {"min": 1}.');
}
