import { checkFunctionName } from "../../platform/function-name.ts";
import type { Platform, SourceType, Version } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { unknownFunction } from "../deploys/deploys.ts";
import { readParameters, wholeNumber } from "./read-query.ts";
import type { Handler, Services } from "./services.ts";

const ENDINGS: Readonly<Record<SourceType, string>> = {
  "text/typescript": "ts",
  "application/x-tar": "tar",
  "application/gzip": "tar.gz",
  "application/zip": "zip",
};

/** `GET /func/NAME/source?version=`: the bytes that were posted. */
export function readSource({ platform }: Services): Handler {
  return async (ctx) => {
    const name = checkFunctionName(ctx.params.name);
    const { version: text } = readParameters(ctx, ["version"]);
    const number =
      text === undefined ? undefined : wholeNumber("version", text, [1, Number.MAX_SAFE_INTEGER]);
    const { source, version } = await readVersion(platform, name, number);
    const charset = source.type === "text/typescript" ? "; charset=utf-8" : "";
    ctx.set("content-type", `${source.type}${charset}`);
    ctx.set("content-disposition", `attachment; filename="${name}-${version}.${ENDINGS[source.type]}"`);
    const { buffer, byteOffset, byteLength } = source.bytes;
    ctx.body = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
  };
}

async function readVersion(platform: Platform, name: string, number?: number): Promise<Version> {
  const version = await platform.read(name, number);
  if (version !== undefined) return version;
  const description = await platform.describe(name);
  if (description === undefined) throw unknownFunction(name);
  const kept = description.versions.map((each) => each.version).join(", ");
  throw new Problem("unknown_version", `"${name}" has no version ${number}. Versions kept: ${kept}.`);
}
