import type { Source } from "../../../platform/platform.ts";
import type { Settings } from "../../../platform/settings/settings.ts";
import { IMAGE_TYPE } from "../../../runtimes/image/image-artifact.ts";
import type { Builder } from "../../../runtimes/runtime.ts";
import { ARCHIVES } from "../../deploys/skiff-yaml.ts";
import { SOURCE_ENDINGS } from "../../deploys/source-endings.ts";
import { unpackOrUndefined } from "../../files/unpack-or-undefined.ts";
import type { TreeFiles } from "../tree/tree.ts";

/** Endings of scripts by the program in their first line. */
const INTERPRETERS: readonly (readonly [RegExp, string])[] = [
  [/^#!.*\bpython[\d.]*\b/, ".py"],
  [/^#!.*\b(?:node|nodejs|deno|bun)\b/, ".js"],
  [/^#!.*\bruby\b/, ".rb"],
  [/^#!.*\bperl\b/, ".pl"],
  [/^#!.*\b(?:ba|da|z|k)?sh\b/, ".sh"],
];
const FIRST_LINE_BYTES = 200;

export interface SourceMeans {
  readonly builder: Pick<Builder, "unpack">;
  readonly signal: AbortSignal;
}

/** Returns a source as the files of a tree. One file is `main` with the ending of its language; an image has none. */
export async function versionFiles(
  source: Source,
  { program }: Pick<Settings, "program">,
  means: SourceMeans,
): Promise<TreeFiles> {
  const { type, bytes } = source;
  if (type === IMAGE_TYPE) return new Map();
  if (ARCHIVES.includes(type)) {
    const files = await unpackOrUndefined(source, means);
    // An archive that this Skiff does not read is still what was deployed.
    if (files !== undefined) return new Map([...files].sort(([one], [other]) => (one < other ? -1 : 1)));
  }
  return new Map([[singleName(source, program), bytes]]);
}

/** Paths of files that the system runs by their first line or header. */
export function executablesIn(files: TreeFiles): ReadonlySet<string> {
  const isRun = (bytes: Uint8Array) =>
    /^(#!|\x7fELF)/.test(Buffer.from(bytes.subarray(0, 4)).toString("latin1"));
  return new Set([...files].filter(([, bytes]) => isRun(bytes)).map(([path]) => path));
}

/** A name by which a build of the tree finds the file. */
function singleName({ type, bytes }: Source, { command, handler }: Settings["program"]): string {
  if (type !== "application/octet-stream") return `main${SOURCE_ENDINGS[type]}`;
  if (command !== undefined) return "main";
  const [first = ""] = Buffer.from(bytes.subarray(0, FIRST_LINE_BYTES)).toString("latin1").split("\n", 1);
  const ending = INTERPRETERS.find(([pattern]) => pattern.test(first))?.[1] ?? "";
  const dot = handler?.lastIndexOf(".") ?? -1;
  if (handler === undefined || dot < 1) return `main${ending}`;
  const [file, name] = [handler.slice(0, dot), handler.slice(dot + 1)];
  // As a build of one file recognises its language.
  const isPython = new RegExp(`^(?:async )?def ${name.replaceAll("$", "\\$")}\\s*\\(`, "m");
  return `${file}${ending || (isPython.test(Buffer.from(bytes).toString()) ? ".py" : ".js")}`;
}
