import { Problem } from "../../../platform/problems.ts";
import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import { packTar } from "../../files/archive.ts";

/** The files of a source that was posted as JSON. */
export interface PostedFiles {
  /** One file as it is, or an archive. */
  readonly bytes: Uint8Array;
  /** Path of the main module, as the setting `entry`. */
  readonly entry?: string;
}

const EXAMPLE = '{"files": {"main.ts": "export default () => 1;"}}';
/** Base64 as `Buffer` writes it. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Whether a body can be files in JSON: code of a function does not begin like this. */
export function isPostedFiles(type: string | undefined, body: Uint8Array): boolean {
  if (!/^application\/json(?![^\s;])/i.test(type ?? "")) return false;
  return /^\s*\{/.test(Buffer.from(body.subarray(0, 256)).toString());
}

/**
 * Reads `{"files": {"PATH": "TEXT" | {"base64": "…"}}, "entry": "PATH"}`. One file without an entry is a plain source.
 * @throws Problem `invalid_source`
 */
export async function readPostedFiles(body: Uint8Array): Promise<PostedFiles> {
  const { files, entry, ...others } = objectIn(body);
  const [other] = Object.keys(others);
  if (other !== undefined) throw invalid(`has the unknown member ${JSON.stringify(other.slice(0, 80))}`);
  if (entry !== undefined && typeof entry !== "string") throw invalid("has an entry that is no text");
  if (!isRecord(files)) throw invalid("has no object files");
  const contents = new Map(Object.entries(files).map(([path, value]) => [path, bytesOf(path, value)]));
  if (contents.size === 0) throw invalid("has no file");
  if (entry !== undefined && entry !== "" && !contents.has(entry)) {
    throw invalid(`has no file ${JSON.stringify(entry.slice(0, 200))}, which is its entry`);
  }
  if (entry === undefined && contents.size === 1) return { bytes: [...contents.values()][0]! };
  return { bytes: await packTar(contents), ...(entry === undefined ? {} : { entry }) };
}

function objectIn(body: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw invalid(`cannot be read: ${(error as Error).message.slice(0, 200)}`);
  }
  if (isRecord(value)) return value;
  throw invalid("is no object");
}

function bytesOf(path: string, value: unknown): Uint8Array {
  const shown = JSON.stringify(path.slice(0, 200));
  // An archive cannot have a name that is empty or a folder.
  if (path === "" || path.endsWith("/")) throw invalid(`has the file ${shown}, which is no path`);
  if (typeof value === "string") return Buffer.from(value);
  const base64 = isRecord(value) ? value.base64 : undefined;
  const isBase64 = typeof base64 === "string" && base64.length % 4 === 0 && BASE64.test(base64);
  if (!isBase64) throw invalid(`has the file ${shown}, which is neither a text nor {"base64": "…"}`);
  return Buffer.from(base64, "base64");
}

function invalid(why: string): Problem {
  const detail = `The source in JSON ${why}. Send files by path, such as ${EXAMPLE}.`;
  return new Problem("invalid_source", detail);
}
