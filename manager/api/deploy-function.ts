import { ClientLeft, clientSignal } from "../../http/client-signal.ts";
import { checkFunctionName } from "../../platform/function-name.ts";
import { Problem, toProblem } from "../../platform/problems.ts";
import { formatMs } from "../../platform/quantity.ts";
import { type SettingsPatch, settingsFromQuery } from "../../platform/settings.ts";
import { parseHost } from "../access/host.ts";
import type { Deployed, DeployOrder } from "../deploys/deploys.ts";
import { answerJson, onOneLine } from "./answer.ts";
import { readBody } from "./read-body.ts";
import { readParameters, readQuery } from "./read-query.ts";
import { baseUrl, type Call, type Handler, type Services } from "./services.ts";

const PATCH_BYTES = 1024 ** 2;
const PATCH_TYPES = ["application/json", "application/merge-patch+json"];
/** Shorter waits for other deploys are not printed. */
const NOTABLE_WAIT_MS = 10;

/** `POST /func?name=NAME` and `PUT /func/NAME`: the body is the source, the query has its settings. */
export function deployFunction(services: Services): Handler {
  return (ctx) => {
    const inPath = ctx.params.name;
    const names = inPath === undefined ? new URLSearchParams(ctx.querystring).getAll("name") : [inPath];
    return answerDeploy(ctx, services, {
      name: names[0],
      order: async () => {
        const query = readQuery(ctx);
        if (names.length > 1) throw new Problem("invalid_request", "The name was given twice: give it once.");
        checkFunctionName(names[0]);
        if (inPath === undefined) query.delete("name");
        const patch = settingsFromQuery(query);
        return { patch, source: services.builder.recognize(await readSourceBody(ctx, services)) };
      },
    });
  };
}

/** `PATCH /func/NAME`: the body is a JSON merge patch (RFC 7396) of the settings. */
export function configureFunction(services: Services): Handler {
  return (ctx) =>
    answerDeploy(ctx, services, {
      name: ctx.params.name,
      order: async () => {
        checkFunctionName(ctx.params.name);
        readParameters(ctx, {});
        return { patch: await readPatch(ctx) };
      },
    });
}

interface Step {
  /** Not checked yet: the terminal shows invalid names as well. */
  readonly name: string | undefined;
  /** Reads the request. Its errors are printed like those of the deploy. */
  readonly order: () => Promise<Omit<DeployOrder, "name" | "reachedAt" | "signal">>;
}

async function answerDeploy(ctx: Call, services: Services, { name = "", order }: Step): Promise<void> {
  const { deploys, print } = services;
  const signal = clientSignal(ctx.res);
  let deployed: Deployed;
  try {
    const reachedAt = parseHost(ctx.req.headers.host ?? "");
    deployed = await deploys.deploy({ name, ...(await order()), reachedAt, signal });
  } catch (error) {
    print(notDeployedLine(name, error));
    throw error;
  }
  print(deployedLine(deployed));
  const { version, created, unchanged } = deployed;
  ctx.status = created ? 201 : 200;
  if (created) ctx.set("location", `/func/${name}`);
  answerJson(ctx, { name, version, url: `${baseUrl(services, ctx)}/fn/${name}`, created, unchanged });
}

/** `deployed useragent version 2 in 41 ms (build 3 ms, start 36 ms)` */
export function deployedLine(deployed: Deployed): string {
  const { name, version, unchanged, waitedMs, buildMs, startMs } = deployed;
  if (unchanged) return `unchanged ${name}: version ${version} has this source and these settings`;
  const parts = [
    ...(waitedMs >= NOTABLE_WAIT_MS ? [`waited ${formatMs(waitedMs)}`] : []),
    buildMs === undefined ? "same bundle" : `build ${formatMs(buildMs)}`,
    `start ${formatMs(startMs)}`,
  ];
  const totalMs = waitedMs + (buildMs ?? 0) + startMs;
  return `deployed ${name} version ${version} in ${formatMs(totalMs)} (${parts.join(", ")})`;
}

/** `not deployed: useragent: main.ts:3:7 …` on one line */
export function notDeployedLine(name: string, error: unknown): string {
  const reason = error instanceof ClientLeft ? error.message : toProblem(error).detail;
  return onOneLine(`not deployed: ${name}: ${reason}`);
}

async function readSourceBody(ctx: Call, { limits }: Services): Promise<Buffer> {
  if (ctx.req.headers["content-type"]?.toLowerCase().startsWith("multipart/")) {
    throw new Problem(
      "unsupported_media_type",
      "The body must be the source itself, not a form: use curl --data-binary @FILE instead of curl -F.",
    );
  }
  return readBody(ctx.req, {
    maxBytes: limits.sourceBytes,
    tooLarge: "source_too_large",
    advice: "remove files that the function does not need, or raise SKIFF_MAX_SOURCE.",
  });
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
