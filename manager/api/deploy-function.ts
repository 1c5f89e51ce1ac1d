import { ClientLeft, clientSignal } from "../../http/client-signal.ts";
import { checkFunctionName } from "../../platform/function-name.ts";
import { Problem } from "../../platform/problems.ts";
import { type SettingsPatch, settingsFromQuery } from "../../platform/settings.ts";
import type { Deployed, DeployOrder } from "../deploys/deploys.ts";
import { answerJson } from "./answer.ts";
import { deployedLine, notDeployedLine, onOneLine } from "./deploy-line.ts";
import { functionUrl } from "./function-url.ts";
import { readBody } from "./read-body.ts";
import { readParameters, readQuery } from "./read-query.ts";
import type { Call, Handler, Services } from "./services.ts";

const PATCH_BYTES = 1024 ** 2;
const PATCH_TYPES = ["application/json", "application/merge-patch+json"];

/** `POST /func?name=NAME` and `PUT /func/NAME`: the body is the source, the query its settings. */
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
        readParameters(ctx, []);
        return { patch: await readPatch(ctx) };
      },
    });
}

interface Step {
  /** Not checked yet: for the line on the terminal as well. */
  readonly name: string | undefined;
  /** Reads the request, so that its faults are reported like those of the deploy. */
  readonly order: () => Promise<Omit<DeployOrder, "name" | "signal">>;
}

async function answerDeploy(ctx: Call, services: Services, { name = "", order }: Step): Promise<void> {
  const { deploys, print, publicUrl } = services;
  const signal = clientSignal(ctx.res);
  let deployed: Deployed;
  try {
    deployed = await deploys.deploy({ name, ...(await order()), signal });
  } catch (error) {
    if (error instanceof ClientLeft) print(onOneLine(`not deployed: ${name}: ${error.message}`));
    else print(notDeployedLine(name, error));
    throw error;
  }
  print(deployedLine(deployed));
  const { version, created, unchanged } = deployed;
  const url = functionUrl(ctx, publicUrl, name);
  ctx.status = created ? 201 : 200;
  if (created) ctx.set("location", `/func/${name}`);
  answerJson(ctx, { name, version, url, created, unchanged });
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
    advice: "leave out what the function does not need, or raise SKIFF_MAX_SOURCE.",
  });
}

async function readPatch(ctx: Call): Promise<SettingsPatch> {
  const type = /^[^;\s]*/.exec(ctx.req.headers["content-type"] ?? "")?.[0].toLowerCase();
  if (type === undefined || !PATCH_TYPES.includes(type)) {
    ctx.set("accept-patch", PATCH_TYPES.join(", "));
    throw new Problem(
      "unsupported_media_type",
      `Send the settings as JSON with Content-Type ${PATCH_TYPES[0]}.`,
    );
  }
  const body = await readBody(ctx.req, {
    maxBytes: PATCH_BYTES,
    tooLarge: "body_too_large",
    advice: "settings are small; code belongs in the source.",
  });
  const patch = parseJson(body);
  if (typeof patch === "object" && patch !== null && !Array.isArray(patch)) return patch as SettingsPatch;
  throw new Problem("invalid_request", 'The body must be a JSON object of settings, such as {"min": 1}.');
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw new Problem("invalid_request", `The body is no JSON: ${(error as Error).message.slice(0, 200)}.`);
  }
}
