import { checkFunctionName } from "../../../platform/function-name.ts";
import type { Platform } from "../../../platform/platform.ts";
import { Problem, unknownFunction } from "../../../platform/problems.ts";
import { SOURCE_ENDINGS } from "../../deploys/source-endings.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";

/** `GET /func/NAME/source?version=`: the bytes of the deploy, of the current version by default. */
export function readSource({ platform }: Services): Handler {
  const readers = { version: wholeNumber(1, Number.MAX_SAFE_INTEGER, undefined) };
  return async (ctx) => {
    const name = checkFunctionName(ctx.params.name);
    const { version = (await platform.find(name))?.version } = readParameters(ctx, readers);
    if (version === undefined) throw unknownFunction(name);
    const source = await platform.readSource(name, version);
    if (source === undefined) throw await unknownVersion(platform, name, version);
    const charset = source.type === "text/typescript" ? "; charset=utf-8" : "";
    ctx.set("content-type", `${source.type}${charset}`);
    ctx.set("content-disposition", `attachment; filename="${name}-${version}${SOURCE_ENDINGS[source.type]}"`);
    const { buffer, byteOffset, byteLength } = source.bytes;
    ctx.body = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
  };
}

/** The problem of a version that is not there: that, or the whole function. */
export async function unknownVersion(platform: Platform, name: string, version: number): Promise<Problem> {
  const description = await platform.describe(name);
  if (description === undefined) return unknownFunction(name);
  const kept = description.versions.map((each) => each.version).join(", ");
  return new Problem("unknown_version", `"${name}" has no version ${version}. Versions kept: ${kept}.`);
}
