import { checkFunctionName } from "../../platform/function-name.ts";
import type { Platform, SourceType } from "../../platform/platform.ts";
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
    const version = await findVersion(platform, name, number);
    const source = await platform.readSource(name, version);
    if (source === undefined) throw await unknownVersion(platform, name, version);
    const charset = source.type === "text/typescript" ? "; charset=utf-8" : "";
    ctx.set("content-type", `${source.type}${charset}`);
    ctx.set("content-disposition", `attachment; filename="${name}-${version}.${ENDINGS[source.type]}"`);
    const { buffer, byteOffset, byteLength } = source.bytes;
    ctx.body = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
  };
}

/** The number of the version that is asked for; without one the current. */
async function findVersion(platform: Platform, name: string, number?: number): Promise<number> {
  if (number !== undefined) return number;
  const current = await platform.find(name);
  if (current === undefined) throw unknownFunction(name);
  return current.version;
}

async function unknownVersion(platform: Platform, name: string, version: number): Promise<Problem> {
  const description = await platform.describe(name);
  if (description === undefined) return unknownFunction(name);
  const kept = description.versions.map((each) => each.version).join(", ");
  return new Problem("unknown_version", `"${name}" has no version ${version}. Versions kept: ${kept}.`);
}
