import { readBody } from "../../http/body/read-body.ts";
import { checkFunctionName } from "../../platform/function-name.ts";
import type { Limits } from "../../platform/limits.ts";
import type { Source } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { type Runtime, START_DEFAULTS } from "../../platform/settings/runtime.ts";
import { type SettingsPatch, settingsFromQuery } from "../../platform/settings/settings.ts";
import { mergeStart } from "../../platform/settings/start.ts";
import { readForm } from "./read-form.ts";
import { readQuery } from "./read-query.ts";
import type { Call, Services } from "./services.ts";
import { isPostedFiles, type PostedFiles, readPostedFiles } from "./source/posted-files.ts";
import { IMAGE, refuseBody, takeImage, withImageRuntime } from "./versions/read-image.ts";
import { type DeployOptions, OPTION_NAMES, takeOptions } from "./versions/read-options.ts";

/** JSON writes a byte of a file as two at most, unless the file is full of control characters. */
const JSON_FACTOR = 2;

export interface PostedDeploy extends DeployOptions {
  readonly name: string;
  readonly patch: SettingsPatch;
  /** Absent if an image is the source. */
  readonly source?: Source;
  readonly image?: string;
}

/**
 * Reads a deploy: the body is the source, or a form with the source, settings and options. Those of the query are
 * checked before the body is read.
 * @param onName receives the name as soon as it is known, unchecked
 */
export async function readDeploy(
  ctx: Call,
  services: Services,
  onName: (name: string | undefined) => void,
): Promise<PostedDeploy> {
  const inPath = ctx.params.name;
  onName(inPath ?? new URLSearchParams(ctx.querystring).get("name") ?? undefined);
  const query = readQuery(ctx);
  const nameOf = (parameters: URLSearchParams) => inPath ?? onlyName(parameters);
  const restOf = (parameters: URLSearchParams) => {
    const settings = withoutName(parameters, inPath);
    const options = takeOptions(settings, ctx.state.by as string);
    const image = takeImage(settings);
    const patch = withImageRuntime(settingsFromQuery(settings), image);
    return { ...options, patch, ...(image === undefined ? {} : { image }) };
  };
  const { limits } = services;
  if (!bodyIsForm(ctx)) {
    const name = checkFunctionName(nameOf(query));
    const rest = restOf(query);
    const { bytes, ...more } = await readSourceBody(ctx, limits);
    const all = { name, ...rest, patch: withEntry(rest.patch, more.entry) };
    return { ...all, ...(await sourceOf(bytes, all, services)) };
  }
  if (nameOf(query) !== undefined) checkFunctionName(nameOf(query));
  restOf(query);
  const form = await readForm(ctx.req, limits);
  const all = joined(query, form.fields);
  onName(nameOf(all));
  const name = checkFunctionName(nameOf(all));
  const rest = restOf(all);
  return { name, ...rest, ...(await sourceOf(form.source, { name, ...rest }, services)) };
}

/** Reads a source as it is, or as files in JSON. Whatever they unpack to is checked as any other source. */
async function readSourceBody(ctx: Call, { sourceBytes }: Limits): Promise<PostedFiles> {
  const type = ctx.req.headers["content-type"];
  const body = await readBody(ctx.req, {
    maxBytes: /^application\/json/i.test(type ?? "") ? sourceBytes * JSON_FACTOR : sourceBytes,
    tooLarge: "source_too_large",
    advice: "remove files that the function does not need, or raise SKIFF_MAX_SOURCE.",
  });
  return isPostedFiles(type, body) ? await readPostedFiles(body) : { bytes: body };
}

/** @throws Problem `invalid_setting` if the query has another one */
function withEntry(patch: SettingsPatch, entry: string | undefined): SettingsPatch {
  if (entry === undefined) return patch;
  if (patch.entry === undefined || patch.entry === entry) return { ...patch, entry };
  const detail = "entry is in the query and in the body: send it in one of them.";
  throw new Problem("invalid_setting", detail, { setting: "entry" });
}

/** An image takes the place of a source. */
async function sourceOf(
  bytes: Uint8Array,
  { name, patch, image }: Omit<PostedDeploy, "source">,
  services: Services,
): Promise<Pick<PostedDeploy, "source">> {
  if (image !== undefined) {
    refuseBody(bytes, image);
    return {};
  }
  return { source: services.builder.recognize(bytes, { runtime: await runtimeFor(name, patch, services) }) };
}

/** Returns the runtime that the deploy asks for, or that of the current version unless it is the default. */
async function runtimeFor(
  name: string,
  { runtime }: SettingsPatch,
  { platform }: Services,
): Promise<Runtime | undefined> {
  // An unknown one is refused before the source is read for it.
  if (runtime !== undefined && runtime !== null) return mergeStart(START_DEFAULTS, { runtime }).runtime;
  const before = (await platform.find(name))?.settings.runtime;
  return before === "deno" ? undefined : before;
}

function bodyIsForm(ctx: Call): boolean {
  const type = ctx.req.headers["content-type"]?.toLowerCase() ?? "";
  if (!type.startsWith("multipart/")) return false;
  if (/^multipart\/form-data(?![^\s;])/.test(type)) return true;
  const detail = `${type.slice(0, 40)} is not accepted: send the source as the body, or a form of multipart/form-data with the source as its field source.`;
  throw new Problem("unsupported_media_type", detail);
}

function onlyName(parameters: URLSearchParams): string | undefined {
  const names = parameters.getAll("name");
  if (names.length > 1) throw new Problem("invalid_request", "The name was given twice: give it once.");
  return names[0];
}

/** The name in the path stands for the whole function, so a second one is an unknown setting. */
function withoutName(parameters: URLSearchParams, inPath: string | undefined): URLSearchParams {
  const settings = new URLSearchParams(parameters);
  if (inPath === undefined) settings.delete("name");
  return settings;
}

function joined(query: URLSearchParams, fields: readonly (readonly [string, string])[]): URLSearchParams {
  const all = new URLSearchParams(query);
  for (const [name, value] of fields) {
    if (query.has(name)) {
      const setting = name.slice(0, 80);
      const detail = `${setting} is in the query and in the form: send it in one of them.`;
      const isOption = ["name", IMAGE, ...OPTION_NAMES].includes(name);
      throw isOption
        ? new Problem("invalid_request", detail, { setting })
        : new Problem("invalid_setting", detail, { setting });
    }
    all.append(name, value);
  }
  return all;
}
