import { isUtf8 } from "node:buffer";
import { clientSignal } from "../../../http/client-signal.ts";
import { checkFunctionName } from "../../../platform/function-name.ts";
import type { Source } from "../../../platform/platform.ts";
import { unknownFunction } from "../../../platform/problems.ts";
import type { Builder } from "../../../runtimes/runtime.ts";
import { answerJson } from "../answer.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { unknownVersion } from "./read-source.ts";

/** Longer files are shown in base64, as those that are no text. */
const TEXT_BYTES = 1024 ** 2;

/** `GET /func/NAME/files?version=`: the files of the posted source, of the current version by default. */
export function readFiles({ platform, builder }: Services): Handler {
  const readers = { version: wholeNumber(1, Number.MAX_SAFE_INTEGER, undefined) };
  return async (ctx) => {
    const name = checkFunctionName(ctx.params.name);
    const { version } = readParameters(ctx, readers);
    const signal = clientSignal(ctx.res);
    const record = await platform.find(name, version);
    if (record === undefined) {
      throw version === undefined ? unknownFunction(name) : await unknownVersion(platform, name, version);
    }
    const source = await platform.readSource(name, record.version);
    if (source === undefined) throw await unknownVersion(platform, name, record.version);
    const files = await filesOf(source, builder, signal);
    const { entry } = record.settings;
    ctx.set("etag", `"${record.version}"`);
    answerJson(ctx, {
      version: record.version,
      ...(entry === undefined || entry === "" ? {} : { entry }),
      files: [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(fileDocument),
    });
  };
}

/** A single file needs no process that unpacks it. */
async function filesOf(
  source: Source,
  builder: Builder,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const { type, bytes } = source;
  if (type === "text/typescript") return new Map([["main.ts", bytes]]);
  if (type === "application/octet-stream") return new Map([["main", bytes]]);
  if (type === "application/vnd.skiff.image+json") return new Map();
  return (await builder.unpack(source, signal)).files;
}

function fileDocument([path, bytes]: readonly [string, Uint8Array]) {
  const isText = bytes.length <= TEXT_BYTES && isUtf8(bytes);
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    path,
    bytes: bytes.length,
    ...(isText ? { text: content.toString() } : { base64: content.toString("base64") }),
  };
}
